use arbitrary::Unstructured;
use bytes::BytesMut;
use meshrpc::wire::{Checksum, Fault, Flags, Frame, FrameReader, HEADER_LEN, put_frame};

/// Payloads of an input are cut at this length, so that limits are met.
const MAX_FRAME: u32 = 300;

/// Bytes that become frames: where they are cut makes no difference, what was taken is what was
/// there, and nothing longer than the limit is waited for.
pub fn frames(input: &[u8]) {
    let mut input = Unstructured::new(input);
    let Ok((checked, mended, step)) = input.arbitrary::<(bool, bool, u8)>() else {
        return;
    };
    let reader = FrameReader {
        max_frame: MAX_FRAME,
        checksum: if checked {
            Checksum::Crc32
        } else {
            Checksum::Off
        },
    };
    let mut bytes = input.take_rest().to_vec();
    if mended {
        mend(&mut bytes, reader.checksum);
    }

    let whole = read(reader, bytes.chunks(bytes.len().max(1)));
    let pieces = read(reader, bytes.chunks(usize::from(step) + 1));
    assert_eq!(whole, pieces, "cut every {} bytes", usize::from(step) + 1);

    let mut written = Vec::new();
    for frame in &whole.frames {
        assert!(frame.payload.len() <= MAX_FRAME as usize);
        let Some(kind) = frame.kind else {
            // Written as it was read; there is no type to write it with.
            let len = HEADER_LEN + frame.payload.len();
            written.extend_from_slice(&bytes[written.len()..written.len() + len]);
            continue;
        };
        let Frame { flags, stream, .. } = *frame;
        put_frame(&mut written, reader.checksum, kind, flags, stream, |out| {
            out.extend_from_slice(&frame.payload);
        });
        assert!(flags.0 & !(Flags::END.0 | Flags::CREDIT_NOW.0) == 0);
    }
    assert_eq!(
        written[..],
        bytes[..written.len()],
        "read as something else"
    );
}

#[derive(Debug, PartialEq)]
struct Taken {
    frames: Vec<Frame>,
    /// Why no more was taken, or how many bytes are left.
    end: Result<usize, Fault>,
}

fn read<'a>(reader: FrameReader, pieces: impl Iterator<Item = &'a [u8]>) -> Taken {
    let mut frames = Vec::new();
    let mut buffer = BytesMut::new();
    for piece in pieces {
        buffer.extend_from_slice(piece);
        loop {
            match reader.next(&mut buffer) {
                Ok(Some(frame)) => frames.push(frame),
                Ok(None) => break,
                Err(fault) => {
                    let end = Err(fault);
                    return Taken { frames, end };
                }
            }
        }
    }
    assert!(
        buffer.len() < HEADER_LEN + MAX_FRAME as usize,
        "a frame that is whole was not taken"
    );
    let end = Ok(buffer.len());
    Taken { frames, end }
}

/// Makes frames of the bytes: lengths that are there, and sums that are right.
fn mend(mut bytes: &mut [u8], checksum: Checksum) {
    while bytes.len() >= HEADER_LEN {
        let len = u32::from_le_bytes([bytes[0], bytes[1], 0, 0]) % (MAX_FRAME + 8);
        let len = (len as usize).min(bytes.len() - HEADER_LEN);
        bytes[..3].copy_from_slice(&(len as u32).to_le_bytes()[..3]);
        let (frame, rest) = bytes.split_at_mut(HEADER_LEN + len);
        let sum = checksum.sum(&frame[..12], &frame[HEADER_LEN..]);
        frame[12..HEADER_LEN].copy_from_slice(&sum.to_le_bytes());
        bytes = rest;
    }
}
