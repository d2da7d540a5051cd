//! Messages that go out over the mesh.

use std::{
    error::Error as StdError,
    pin::{Pin, pin},
};

use bytes::{Bytes, BytesMut};
use http_body::Body;
use serde::Serialize;

use super::head::Trailers;
use crate::{
    codec,
    connection::SendStream,
    error::{Error, Kind},
    wire::{Codec, put_item_prefix},
};

/// Longest piece of a body in one item.
const PIECE: usize = 64 << 10;

/// Sends the head of a message.
pub(crate) async fn send_head(stream: &mut SendStream, head: &impl Serialize) -> Result<(), Error> {
    let mut encoded = Vec::new();
    codec::encode(Codec::FieldNamed, head, &mut encoded)
        .map_err(|error| Error::new(Kind::Codec, error.to_string()))?;
    let mut item = Vec::with_capacity(encoded.len() + 4);
    put_item_prefix(&mut item, encoded.len(), true);
    item.extend_from_slice(&encoded);
    stream.send(item.into()).await
}

/// Sends a body to its end. The stream is left for the caller to finish, or to fail.
pub(crate) async fn send_body<B>(stream: &mut SendStream, body: B) -> Result<(), Error>
where
    B: Body,
    B::Error: Into<Box<dyn StdError + Send + Sync>>,
{
    let mut body = pin!(body);
    while let Some(frame) = next_frame(body.as_mut()).await {
        let frame = frame.map_err(|error| {
            Error::new(Kind::Cancelled, "the body broke off").with_source(error.into())
        })?;
        match frame.into_data() {
            Ok(mut data) => {
                use bytes::Buf;
                while data.has_remaining() {
                    let len = data.remaining().min(PIECE);
                    let piece = data.copy_to_bytes(len);
                    stream.send(tagged(0, &piece, false)).await?;
                }
            }
            Err(frame) => {
                if let Ok(trailers) = frame.into_trailers() {
                    let mut encoded = Vec::new();
                    codec::encode(Codec::FieldNamed, &Trailers::of(&trailers), &mut encoded)
                        .map_err(|error| Error::new(Kind::Codec, error.to_string()))?;
                    stream.send(tagged(1, &encoded, true)).await?;
                }
            }
        }
    }
    Ok(())
}

async fn next_frame<B: Body>(
    mut body: Pin<&mut B>,
) -> Option<Result<http_body::Frame<B::Data>, B::Error>> {
    std::future::poll_fn(|cx| body.as_mut().poll_frame(cx)).await
}

fn tagged(tag: u8, bytes: &[u8], field_named: bool) -> Bytes {
    let mut prefix = Vec::with_capacity(10);
    put_item_prefix(&mut prefix, bytes.len() + 1, field_named);
    let mut item = BytesMut::with_capacity(prefix.len() + 1 + bytes.len());
    item.extend_from_slice(&prefix);
    item.extend_from_slice(&[tag]);
    item.extend_from_slice(bytes);
    item.freeze()
}
