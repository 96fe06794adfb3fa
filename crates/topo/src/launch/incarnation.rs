//! The numbers of a node's runs, each greater than the one before, also where the machine failed and its clock was set back.

use hopline_mesh::name::NodeName;
use tokio::task::spawn_blocking;

use super::error::LaunchError;
use super::place::Place;
use super::store;

/// The number of a node's next run: greater than any before, and the time where the clock is ahead. It waits for the disk.
pub(super) fn next(place: &Place, node: &NodeName, unix_millis: u64) -> Result<u64, LaunchError> {
    let path = place.incarnation(node);
    // A file that is damaged is no reason not to start: the time is greater than what it held.
    let stored: Option<u64> = store::read(&path).ok().flatten();
    let next = stored.map_or(unix_millis, |stored| unix_millis.max(stored.saturating_add(1)));
    store::write_for_good(&path, format!("{next}\n").as_bytes())?;
    Ok(next)
}

/// The same on a thread of its own: a disk that is slow, as it is while much is written, keeps none of the other nodes
/// waiting.
pub(super) async fn next_aside(
    place: &Place,
    node: &NodeName,
    unix_millis: u64,
) -> Result<u64, LaunchError> {
    let path = place.incarnation(node);
    let (place, node) = (place.clone(), node.clone());
    let next = spawn_blocking(move || next(&place, &node, unix_millis)).await;
    next.unwrap_or_else(|lost| Err(store::state(&path, "written")(lost.into())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_run_has_a_greater_number_than_the_one_before_whatever_the_clock_says() {
        let dir = tempfile::tempdir().unwrap();
        let (place, node) = (Place::at(dir.path().join("m-0")), NodeName::parse("east").unwrap());
        store::make(&place).unwrap();
        let mut numbers = Vec::new();
        for now in [1000, 1000, 500, 2000] {
            numbers.push(next_aside(&place, &node, now).await.unwrap());
        }
        assert_eq!(numbers, [1000, 1001, 1002, 2000]);
        fs::write(place.incarnation(&node), "x").unwrap();
        assert_eq!(next(&place, &node, 3000).unwrap(), 3000);
    }
}
