//! Scenario 72: the kinds of mistakes of another tool's 22 bad files, in our format, all told.
//!
//! netlab describes whole network labs; where a kind is about what a mesh has not (address pools, modules,
//! interfaces, devices), the nearest mistake that our format allows stands for it, as each says.

use std::fmt::Write as _;

use hopline_topo::parse;

/// Each kind: the file it is after, what the mistake is, and our text without its `[mesh]`.
const KINDS: &[(&str, &str)] = &[
    // No pools of addresses here: a range of ports that runs out.
    (
        "addr-pool-overload",
        "[nodes.\"pool-{n}\"]\ncount = 3\nbind = \"tcp://127.0.0.1:{65533+n}\"\n",
    ),
    ("component-links", "[nodes.s1]\n[nodes.s2]\n[[links]]\nends = [\"s1\", \"s2x\"]\n"),
    // No addresses of machines' management: the place where nodes listen.
    (
        "dup-mgmt-addr",
        "[nodes.d1]\nbind = \"tcp://127.0.0.1:7101\"\n[nodes.d2]\nbind = \"tcp://127.0.0.1:7101\"\n\
         [nodes.d3]\nbind = \"wtf\"\n[nodes.d4]\nbind = false\n",
    ),
    (
        "groups-invalid-name",
        "[groups.\"not&a&name\"]\nhost = \"h\"\n[nodes.gi]\ngroups = [\"not&a&name\"]\n",
    ),
    (
        "groups-recursive",
        "[groups.g1]\ngroups = [\"g2\"]\n[groups.g2]\ngroups = [\"g1\"]\n[nodes.gr]\ngroups = [\"g1\"]\n",
    ),
    (
        "ia-node",
        "[nodes.ia1]\nalso_wrong = true\nhost = [\"box\"]\ndialects = [\"jsno\"]\n\
         limits = { connections = -3, frame = \"2M\", memory = 5 }\n",
    ),
    ("ia-top", "[unknown]\nx = true\n[vlans]\nred = 1\n"),
    // No interfaces here: what a node listens at and the link it shares are named twice.
    ("ifname-dup", "[nodes.if1]\n[nodes.if2]\nupstream = [\"if1\", \"if1\"]\n"),
    (
        "invalid-group-attribute",
        "[groups.ga]\nunknown = \"wrong\"\n[nodes.ga1]\ngroups = [\"ga\"]\n",
    ),
    // Nodes list their groups here, not groups their nodes.
    (
        "invalid-group-member",
        "[groups.gm]\nhost = \"h\"\n[nodes.gm1]\ngroups = [\"gmm\"]\n[nodes.gm2]\ngroups = [\"gm\"]\n",
    ),
    ("invalid-group-not-dict", "[groups]\ngn = \"string\"\n[nodes.gn1]\ngroups = [\"gn\"]\n"),
    // No modules here: dialects are what nodes may have of a known list.
    ("invalid-module", "[nodes.im]\ndialects = [\"native\", \"whatever\"]\n"),
    ("invalid-yaml", "[nodes.iy]\nhost = true: false\n"),
    (
        "link-invalid-attr",
        "[nodes.la1]\n[nodes.la2]\n[[links]]\nends = [\"la1\", \"la2\"]\nwtf = true\ncost = \"20\"\n\
         loss = 107.3\nlatency = \"2 min\"\njitter = 5\n",
    ),
    (
        "link-invalid-format",
        "[nodes.lf1]\n[nodes.lf2]\nupstream = [42, { cost = 3 }, \"lf1-a\"]\n[[links]]\nends = \"lf1-lf2\"\n\
         [[links]]\nends = [1, 2]\n",
    ),
    // No groups of links here: a range of ends that is empty, and a link without ends.
    (
        "link-invalid-group",
        "[nodes.lg1]\n[[links]]\ncost = 3\n[[links]]\nends = []\n[[links]]\nends = [\"lg1\", \"lg-{3..1}\"]\n",
    ),
    // No types of links here: the policy of a service is the word of a known list.
    (
        "link-invalid-type",
        "[nodes.lt]\n[services.lts]\nat = [\"lt\"]\npolicy = \"wtf\"\n[services.ltn]\nat = []\n",
    ),
    (
        "link-p2p-too-many-nodes",
        "[nodes.p1]\n[nodes.p2]\n[nodes.p3]\n[[links]]\nends = [\"p1\", \"p2\", \"p3\"]\n",
    ),
    ("node-max-id", "[nodes.\"max-{n}\"]\ncount = 200000\n"),
    // No devices here: what a node must have that is dialled on all interfaces.
    ("node-no-device", "[nodes.nd]\nbind = \"tcp://*:7201\"\n"),
    ("node-wrong-device", "[nodes.wd]\nbind = \"udp://127.0.0.1:7301\"\n"),
    ("wrong-type-with-alt", "[nodes.wt]\nupstream = [\"nobody-here\", 172.16]\n"),
];

/// What a file says first.
const MESH: &str = "[mesh]\nname = \"m\"\n";

#[test]
fn scenario_72_each_kind_of_mistake_gets_its_message() {
    let mut told = String::new();
    for (kind, text) in KINDS {
        let problems = parse("m.toml", &alone(text)).unwrap_err();
        assert!(problems.errors().all(|error| error.help.is_some()), "{problems}");
        let _ = write!(told, "==== {kind}\n{problems}\n\n");
    }
    insta::assert_snapshot!("netlab-kinds", told);
}

#[test]
fn scenario_72_all_of_them_in_one_file_are_told_in_one_run() {
    let mut all = MESH.to_owned();
    for (_, text) in KINDS {
        // A file has one table of groups: the one that is a text stands under a header of its own.
        all.push_str(&text.replace("[groups]\ngn = \"string\"\n", "groups.gn = \"string\"\n"));
    }
    // Bare keys stand at the top of a file.
    let line = "groups.gn = \"string\"\n";
    let all = format!("{line}{}", all.replace(line, ""));
    let together = parse("m.toml", &all).unwrap_err();
    let together: Vec<(&str, &str)> =
        together.errors().map(|error| (error.code, error.message.as_str())).collect();
    for (kind, text) in KINDS {
        let problems = parse("m.toml", &alone(text)).unwrap_err();
        for error in problems.errors() {
            let told = (error.code, error.message.as_str());
            assert!(together.contains(&told), "{kind}: {told:?}\n{together:#?}");
        }
    }
}

/// A file that makes one mistake only.
fn alone(text: &str) -> String {
    let node = if text.contains("[nodes") { "" } else { "[nodes.top]\n" };
    format!("{MESH}{node}{text}")
}
