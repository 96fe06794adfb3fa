//! Limits and names as people read them.

use std::fmt;

use crate::topology::NodeLimits;

impl fmt::Display for NodeLimits {
    /// `connections 500, handshake 5s`; nothing where nothing is said.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = |bytes: usize| size(bytes as u64);
        let all = [
            ("connections", self.connections.map(|number| number.to_string())),
            ("per_address", self.per_address.map(|number| number.to_string())),
            ("handshake", self.handshake.map(|time| format!("{time:?}"))),
            ("ping", self.ping.map(|time| format!("{time:?}"))),
            ("silence", self.silence.map(|time| format!("{time:?}"))),
            ("stall", self.stall.map(|time| format!("{time:?}"))),
            ("frame", self.frame.map(bytes)),
            ("message", self.message.map(bytes)),
            ("frames", self.frames.map(|number| number.to_string())),
            ("queue_messages", self.queue_messages.map(|number| number.to_string())),
            ("queue_bytes", self.queue_bytes.map(bytes)),
            ("window_messages", self.window_messages.map(|number| number.to_string())),
            ("window_bytes", self.window_bytes.map(bytes)),
            ("flow_messages", self.flow_messages.map(|number| number.to_string())),
            ("flow_bytes", self.flow_bytes.map(bytes)),
            ("kept", self.kept.map(bytes)),
            ("inflated", self.inflated.map(bytes)),
            ("unfinished", self.unfinished.map(bytes)),
            ("reserved", self.reserved.map(|number| number.to_string())),
        ];
        list(f, all)
    }
}

/// `name` with what would not show, or show elsewhere, written out: controls, line ends, and marks that
/// turn the direction of reading. A name may hold anything that UTF-8 can say.
#[must_use]
pub fn visible(name: &str) -> String {
    let mut text = String::with_capacity(name.len());
    for c in name.chars() {
        let is_hidden = c.is_control()
            || matches!(c, '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
            || matches!(c, '\u{2060}'..='\u{206f}' | '\u{feff}');
        match is_hidden {
            true => text.extend(c.escape_default()),
            false => text.push(c),
        }
    }
    text
}

fn list<const N: usize>(
    f: &mut fmt::Formatter<'_>,
    all: [(&'static str, Option<String>); N],
) -> fmt::Result {
    let said = all.into_iter().filter_map(|(what, value)| Some(format!("{what} {}", value?)));
    f.write_str(&said.collect::<Vec<_>>().join(", "))
}

fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    const MIB: u64 = 1024 * KIB;
    match bytes {
        bytes if bytes > 0 && bytes % MIB == 0 => format!("{}MiB", bytes / MIB),
        bytes if bytes > 0 && bytes % KIB == 0 => format!("{}KiB", bytes / KIB),
        bytes => format!("{bytes}B"),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn limits_are_read_as_they_are_written() {
        let limits = NodeLimits {
            connections: Some(500),
            handshake: Some(Duration::from_secs(5)),
            frame: Some(16 << 20),
            queue_bytes: Some(1500),
            ..NodeLimits::default()
        };
        let text = "connections 500, handshake 5s, frame 16MiB, queue_bytes 1500B";
        assert_eq!(limits.to_string(), text);
        assert_eq!(NodeLimits::default().to_string(), "");
    }
}
