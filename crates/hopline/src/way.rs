//! A way through the mesh, as it is printed.

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

/// The links that a path has.
pub(crate) fn hops(path: usize) -> usize {
    path.saturating_sub(1)
}
