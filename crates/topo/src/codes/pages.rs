//! The page of each code: what is wrong, why it matters, and both ways to write it.

/// The page of a code, in Markdown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// The code.
    pub code: &'static str,
    /// The whole page.
    pub text: &'static str,
}

macro_rules! pages {
    ($($code:literal)*) => {
        &[$(Page { code: $code, text: include_str!(concat!("pages/", $code, ".md")) }),*]
    };
}

const PAGES: &[Page] = pages! {
    "auto-with-address"
    "bad-access"
    "bad-cost"
    "bad-endpoint"
    "bad-expect"
    "bad-hop-limit"
    "bad-impairment"
    "bad-limit"
    "bad-liveness"
    "bad-name"
    "bad-position"
    "bad-route"
    "bad-template"
    "bad-value"
    "bridge"
    "client-denied"
    "costs-differ"
    "cut-node"
    "duplicate-address"
    "duplicate-include"
    "duplicate-key"
    "duplicate-name"
    "duplicate-upstream"
    "empty-service"
    "file-too-large"
    "group-cycle"
    "hop-limit-below-diameter"
    "include-cycle"
    "link-declared-twice"
    "missing-address"
    "missing-key"
    "needless-allow"
    "no-nodes"
    "no-upstream"
    "not-open"
    "not-utf8"
    "self-link"
    "self-route"
    "shadowed-rule"
    "syntax"
    "too-many-files"
    "too-many-links"
    "too-many-nodes"
    "unknown-address"
    "unknown-client"
    "unknown-group"
    "unknown-key"
    "unknown-link"
    "unknown-lint"
    "unknown-next-hop"
    "unknown-node"
    "unreachable-node"
    "unreadable-file"
    "unused-group"
    "wrong-type"
};

/// The page of `code`.
#[must_use]
pub fn explain(code: &str) -> Option<Page> {
    PAGES.iter().find(|page| page.code == code).copied()
}

impl Page {
    /// The example that yields the code; none where no text can show it.
    #[must_use]
    pub fn wrong(&self) -> Option<&'static str> {
        self.example("## Wrong")
    }

    /// The example that does not.
    #[must_use]
    pub fn right(&self) -> Option<&'static str> {
        self.example("## Right")
    }

    /// The block of text under a heading.
    fn example(&self, heading: &str) -> Option<&'static str> {
        let (_, below) = self.text.split_once(heading)?;
        let (_, block) = below.split_once("```toml\n")?;
        Some(block.split_once("```")?.0)
    }
}
