//! placeholder
/// x
pub type Frames = Vec<bytes::Bytes>;
