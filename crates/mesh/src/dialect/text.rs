//! JSON text, written piece by piece.

pub(super) fn key(text: &mut Vec<u8>, name: &str) {
    if text.last() != Some(&b'{') || text.len() > 1 {
        text.push(b',');
    }
    string(text, name);
    text.push(b':');
}

pub(super) fn string(text: &mut Vec<u8>, value: &str) {
    // Writing text into memory cannot fail.
    let _ = serde_json::to_writer(text, value);
}

/// RFC 4648, section 4.
pub(super) fn base64(bytes: &[u8]) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let octet = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let word = octet(0) << 16 | octet(1) << 8 | octet(2);
        for (index, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            let digit = ALPHABET[(word >> shift & 63) as usize];
            text.push(if index > chunk.len() { '=' } else { digit as char });
        }
    }
    text
}

/// A time in Unix seconds.
#[expect(clippy::cast_precision_loss, reason = "as fine as a microsecond, as clients have it")]
pub(crate) fn seconds(unix_nanos: u64) -> f64 {
    unix_nanos as f64 / 1e9
}
