//! Links that the file says start down: on paper, and in a mesh that runs, until they are healed.

use hopline_mesh::name::{LinkName, NodeName};
use hopline_testkit::{Mesh, assert_route};
use hopline_topo::{Offline, Plan, parse};

const TRIANGLE: &str = r#"
[mesh]
name = "triangle"

[nodes.top]

[nodes.east]
upstream = [{ node = "top", cut = true }]

[nodes.west]
upstream = ["top"]

[[links]]
ends = ["east", "west"]
"#;

fn names(path: &[NodeName]) -> Vec<&str> {
    path.iter().map(NodeName::as_str).collect()
}

#[test]
fn a_link_that_starts_down_is_a_link_that_no_route_takes() {
    let loaded = parse("triangle.toml", TRIANGLE).unwrap();
    let plan = Plan::new(&loaded.topology);
    let stored: Plan = serde_json::from_str(&serde_json::to_string(&plan).unwrap()).unwrap();
    assert_eq!(stored, plan);
    let offline = Offline::new(&plan);
    let way = offline.route("east", "top", &[]).unwrap();
    assert_eq!(names(&way.path), ["east", "west", "top"]);
    let link = LinkName::new(NodeName::parse("east").unwrap(), NodeName::parse("top").unwrap());
    assert!(offline.has_link(&link.clone().unwrap()));
    assert_eq!(offline.cut().collect::<Vec<_>>(), [&link.unwrap()]);
}

#[test]
fn a_cut_is_true_or_false() {
    for (written, is_cut) in [("true", true), ("false", false)] {
        let loaded = parse("t.toml", &TRIANGLE.replace("cut = true", &format!("cut = {written}")));
        let plan = Plan::new(&loaded.unwrap().topology);
        assert_eq!(plan.nodes["east"].dials.iter().any(|dial| dial.cut), is_cut);
    }
    let problems = parse("t.toml", &TRIANGLE.replace("cut = true", "cut = 1")).unwrap_err();
    assert!(problems.to_string().contains("`true` or `false`"), "{problems}");
}

#[tokio::test]
async fn a_link_that_starts_down_comes_up_when_it_is_healed() {
    let mesh = Mesh::from_text("triangle.toml", TRIANGLE).await.unwrap();
    assert_route!(mesh, "east" -> "top", via ["east", "west", "top"]);
    let statuses = mesh.statuses().await.unwrap();
    let link = statuses["east"].links.iter().find(|link| link.neighbour.as_str() == "top");
    assert!(link.is_some_and(|link| link.cut && !link.up));
    mesh.heal("east--top").await.unwrap();
    let is_up = |name: &str, of: &str| {
        let (name, of) = (name.to_owned(), of.to_owned());
        move |statuses: &std::collections::BTreeMap<NodeName, _>| {
            let status: &hopline_mesh::wire::control::NodeStatus = &statuses[name.as_str()];
            status.links.iter().any(|link| link.up && link.neighbour.as_str() == of)
        }
    };
    mesh.until(is_up("east", "top")).await.unwrap();
    mesh.until(is_up("top", "east")).await.unwrap();
    mesh.converged().await.unwrap();
    assert_route!(mesh, "east" -> "top", via ["east", "top"]);
    mesh.shutdown().await;
}
