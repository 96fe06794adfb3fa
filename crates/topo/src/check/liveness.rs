//! When links are up: how often they carry a sign of life, and how long they may be without one.

use std::time::Duration;

use hopline_mesh::brain::Liveness;

use super::Checker;
use crate::codes;
use crate::diagnostic::Diagnostic;
use crate::spec::{At, Scalar, ScalarSpec};

/// More often than this no sign of life is worth its price.
const OFTENEST: Duration = Duration::from_millis(10);

impl Checker<'_> {
    /// `hello` and `link_silence` of the mesh.
    pub(super) fn liveness(&mut self, written: &[ScalarSpec]) -> Liveness {
        let mut liveness = Liveness::default();
        let mut is_good = true;
        for ScalarSpec { key, value } in written {
            let time = self.duration(codes::BAD_LIVENESS, key, value);
            is_good &= time.is_some();
            match (key.value.as_str(), time) {
                ("hello", Some(time)) if time < OFTENEST => {
                    is_good = false;
                    self.too_often(value);
                }
                ("hello", Some(time)) => liveness.hello = time,
                ("link_silence", Some(time)) => liveness.silence = time,
                _ => {}
            }
        }
        // The one that was written is the one to look at; of both, how long is the more likely mistake.
        let at = written.iter().max_by_key(|it| it.key.value == "link_silence");
        if let Some(ScalarSpec { key, value }) = at.filter(|_| is_good)
            && liveness.silence <= 2 * liveness.hello
        {
            self.too_soon(key, value, liveness);
        }
        liveness
    }

    fn too_often(&mut self, at: &At<Scalar>) {
        let message = "`hello` must be at least `10ms`";
        let problem = Diagnostic::error(codes::BAD_LIVENESS, message)
            .label(&at.span, "the links would carry little else")
            .help("write `10ms` or more, or leave `hello` out");
        self.problems.push(problem);
    }

    fn too_soon(&mut self, key: &At<String>, at: &At<Scalar>, liveness: Liveness) {
        let Liveness { hello, silence, forget: _ } = liveness;
        let message = "`link_silence` must be more than twice `hello`";
        let label = match key.value.as_str() {
            "hello" => format!("a link without a sign of life is down after {silence:?}"),
            _ => format!("signs of life come each {hello:?}"),
        };
        let three = hello * 3;
        let problem = Diagnostic::error(codes::BAD_LIVENESS, message).label(&at.span, label).help(
            format!("one that comes late would end the link; write `link_silence = \"{three:?}\"` or more"),
        );
        self.problems.push(problem);
    }
}
