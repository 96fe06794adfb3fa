//! zlib streams (RFC 1950) from strangers: looked through before anything is kept, and never past a limit.

use std::io::{Read as _, Write as _};

use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;

/// How much is looked at in one piece.
const PIECE: usize = 16 * 1024;

/// Why bytes are not inflated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum ZlibError {
    /// No zlib stream, or not the whole of one.
    #[error("the payload is no zlib stream: {0}")]
    Corrupt(String),
    /// Bytes behind the stream's end.
    #[error("the payload is no zlib stream: {0} bytes follow its end")]
    Trailing(usize),
    /// More comes out than may.
    #[error("the payload is larger than {0} bytes when inflated")]
    TooLarge(usize),
}

/// How many bytes a stream has when inflated, at most `limit`. Takes no more memory than for one piece.
pub(super) fn inflated_length(bytes: &[u8], limit: usize) -> Result<usize, ZlibError> {
    let mut decoder = ZlibDecoder::new(bytes);
    let mut piece = [0; PIECE];
    let mut length = 0;
    loop {
        match decoder.read(&mut piece).map_err(|error| ZlibError::Corrupt(error.to_string()))? {
            0 => break,
            count => length += count,
        }
        if length > limit {
            return Err(ZlibError::TooLarge(limit));
        }
    }
    let used = usize::try_from(decoder.total_in()).unwrap_or(usize::MAX);
    match bytes.len().saturating_sub(used) {
        0 => Ok(length),
        rest => Err(ZlibError::Trailing(rest)),
    }
}

/// Inflates a stream of this length.
pub(super) fn inflate(bytes: &[u8], length: usize) -> Result<Vec<u8>, ZlibError> {
    let mut inflated = vec![0; length];
    let corrupt = |error: std::io::Error| ZlibError::Corrupt(error.to_string());
    ZlibDecoder::new(bytes).read_exact(&mut inflated).map_err(corrupt)?;
    Ok(inflated)
}

/// One zlib stream of these bytes.
pub(super) fn deflate(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    // Writing into memory cannot fail.
    let _ = encoder.write_all(bytes);
    encoder.finish().unwrap_or_default()
}
