//! A way through the mesh, as it is printed.

pub(crate) use hopline::topo::visible;

/// `east -> top -> west`.
pub(crate) fn arrows<T: AsRef<str>>(path: &[T]) -> String {
    let names: Vec<&str> = path.iter().map(AsRef::as_ref).collect();
    names.join(" -> ")
}

/// `2 hops`, `1 hop`, `0 nodes`.
pub(crate) fn count(number: usize, one: &str) -> String {
    match number {
        1 => format!("1 {one}"),
        _ => format!("{number} {one}s"),
    }
}

/// What each link of a node that drains costs: as much as can be.
const LAST_RESORT: u64 = 0xFFFF_FFFF;

/// Whether a way of this cost leads over a link of a node that drains.
pub(crate) fn drains(cost: u64) -> bool {
    cost >= LAST_RESORT
}

/// `cost 20`, or that a node on the way drains, which no number says.
pub(crate) fn price(cost: u64) -> String {
    match drains(cost) {
        true => "draining".to_owned(),
        false => format!("cost {cost}"),
    }
}

/// The links that a path has.
pub(crate) fn hops(path: usize) -> usize {
    path.saturating_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_way_over_a_node_that_drains_has_no_number_for_a_cost() {
        assert_eq!(price(20), "cost 20");
        assert_eq!(price(u64::from(u32::MAX) + 10), "draining");
    }

    #[test]
    fn what_would_not_show_in_a_name_is_written_out() {
        assert_eq!(visible("böb 7"), "böb 7");
        assert_eq!(visible("a\nb\u{1b}[1m"), "a\\nb\\u{1b}[1m");
        assert_eq!(visible("\u{202e}bob\u{2028}"), "\\u{202e}bob\\u{2028}");
    }
}
