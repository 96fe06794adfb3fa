//! The simulated mesh of several tests: two ways between two nodes.

use std::time::Duration;

use hopline_testkit::simulation::Simulation;

/// How long a mesh may take to come to rest.
pub(crate) const LIMIT: Duration = Duration::from_secs(120);

/// Two ways between the first node and the last, who do not dial: over the second, and dearer over the third. All run,
/// and the mesh is at rest.
pub(crate) fn diamond(seed: u64, [near, better, dearer, far]: [&str; 4]) -> Simulation {
    let links = [(better, near, 10), (better, far, 10), (dearer, near, 20), (dearer, far, 20)];
    let mut mesh = Simulation::of(seed, &links);
    mesh.start_all();
    assert!(mesh.run_until_quiet(LIMIT));
    mesh
}
