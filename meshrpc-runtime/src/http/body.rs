//! Bodies that come over the mesh.

use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use super::{head::Trailers, pump::Broken};
use crate::{
    connection::RecvStream,
    error::{Error, Kind},
    wire::{Item, ItemReader},
};

/// Largest item this side takes. Pieces of bodies are cut smaller than this.
const MAX_ITEM: u64 = 1 << 20;

/// The items of one direction.
pub(crate) struct Incoming {
    stream: RecvStream,
    reader: ItemReader,
    /// What was read ahead.
    peeked: Option<Result<Item, Error>>,
    /// The other direction, which goes on while this one is read.
    upload: Option<Upload>,
}

/// A body on its way out; dropped, it breaks off.
pub(crate) type Upload = Pin<Box<dyn Future<Output = Result<(), Broken>> + Send>>;

/// The body of a request or response that came over the mesh, or one of bytes that are there. A body
/// that breaks off ends with an error, never as if it were whole.
#[derive(Default)]
pub struct Body(Content);

#[derive(Default)]
enum Content {
    #[default]
    Nothing,
    Whole(Bytes),
    Incoming(Incoming),
}

impl Incoming {
    pub(crate) fn new(stream: RecvStream) -> Self {
        Self {
            stream,
            reader: ItemReader::new(MAX_ITEM),
            peeked: None,
            upload: None,
        }
    }

    /// Sends the rest of a request while its response is read.
    pub(crate) fn with_upload(self, upload: Option<Upload>) -> Self {
        Self { upload, ..self }
    }

    /// The first item.
    pub(crate) async fn head(&mut self) -> Result<Bytes, Error> {
        match poll_fn(|cx| self.poll_item(cx)).await {
            Some(item) => Ok(item?.bytes),
            None => Err(Error::new(Kind::Protocol, "an HTTP message without a head")),
        }
    }

    pub(crate) fn into_body(self) -> Body {
        Body(Content::Incoming(self))
    }

    fn poll_item(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Item, Error>>> {
        if let Some(item) = self.peeked.take() {
            return Poll::Ready(Some(item));
        }
        if let Some(upload) = &mut self.upload
            && let Poll::Ready(sent) = upload.as_mut().poll(cx)
        {
            self.upload = None;
            // A peer that takes no more may well answer on.
            if let Err(Broken::Body(error)) = sent {
                return Poll::Ready(Some(Err(error)));
            }
        }
        loop {
            match self.reader.next_item() {
                Ok(Some(item)) => return Poll::Ready(Some(Ok(item))),
                Ok(None) => {}
                Err(fault) => return Poll::Ready(Some(Err(fault.to_error()))),
            }
            match ready!(self.stream.poll_recv(cx)) {
                Some(Ok(bytes)) => self.reader.push(bytes),
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.reader.is_between() => return Poll::Ready(None),
                None => {
                    let error =
                        Error::new(Kind::Protocol, "a stream ended in the middle of an item");
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

impl Body {
    /// A body of nothing.
    pub fn empty() -> Self {
        Self(Content::Nothing)
    }

    /// Whether there is nothing in it, as soon as that is known.
    #[cfg(feature = "gateway")]
    pub(crate) async fn is_empty(&mut self) -> bool {
        let Content::Incoming(incoming) = &mut self.0 else {
            return matches!(self.0, Content::Nothing);
        };
        incoming.peeked = poll_fn(|cx| incoming.poll_item(cx)).await;
        incoming.peeked.is_none()
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        let bytes = bytes.into();
        Self(if bytes.is_empty() {
            Content::Nothing
        } else {
            Content::Whole(bytes)
        })
    }
}

impl std::fmt::Debug for Body {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Body")
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let this = self.get_mut();
        let frame = match &mut this.0 {
            Content::Nothing => None,
            Content::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                this.0 = Content::Nothing;
                return Poll::Ready(Some(Ok(Frame::data(bytes))));
            }
            Content::Incoming(incoming) => match ready!(incoming.poll_item(cx)) {
                Some(Ok(item)) => Some(piece(&item.bytes)),
                Some(Err(error)) => Some(Err(error)),
                None => None,
            },
        };
        if !matches!(frame, Some(Ok(_))) {
            this.0 = Content::Nothing;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        matches!(self.0, Content::Nothing)
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Content::Nothing => SizeHint::with_exact(0),
            Content::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Content::Incoming(_) => SizeHint::default(),
        }
    }
}

/// What an item behind the head is.
pub(crate) fn piece(item: &Bytes) -> Result<Frame<Bytes>, Error> {
    match item.first() {
        Some(0) => Ok(Frame::data(item.slice(1..))),
        Some(1) => Ok(Frame::trailers(Trailers::decode(&item[1..])?)),
        _ => Err(Error::new(
            Kind::Protocol,
            "an HTTP item of an unknown kind",
        )),
    }
}
