//! Which rights an account has: a list of rules, of which the first that fits counts.

use super::right::{Resource, Right};

/// The rules of one account.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Rules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: Pattern,
    right: Right,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    Exactly(String),
    /// A pattern that ends in a star.
    From(String),
}

/// What every resource's name begins with.
const PREFIX: &str = "prn::";

impl Rules {
    /// Reads rules of the form `resource,RIGHT`, with a `;` between them and perhaps behind the last. A star
    /// at the end of a resource stands for any text, also one with slashes.
    ///
    /// # Errors
    /// What is wrong, in words that quote nothing.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        let rules = text
            .split(';')
            .map(str::trim)
            .filter(|rule| !rule.is_empty());
        rules.map(Rule::parse).collect::<Result<_, _>>().map(Self)
    }

    /// The right that the first rule which fits gives; none without one.
    pub(crate) fn right_to(&self, resource: Resource<'_>) -> Right {
        let name = resource.to_string();
        let rule = self.0.iter().find(|rule| rule.pattern.fits(&name));
        rule.map_or(Right::None, |rule| rule.right)
    }
}

impl Rule {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (resource, right) = text.split_once(',').ok_or("a rule has no right")?;
        let right = Right::named(right.trim()).ok_or("a right is not NONE, READ or READ_UPDATE")?;
        let resource = resource.trim();
        if resource != "*" && !resource.starts_with(PREFIX) {
            return Err("a resource does not begin with prn::");
        }
        let pattern = match resource.strip_suffix('*') {
            Some(beginning) => Pattern::From(beginning.to_owned()),
            None => Pattern::Exactly(resource.to_owned()),
        };
        let (Pattern::From(plain) | Pattern::Exactly(plain)) = &pattern;
        if plain.contains('*') {
            return Err("a star is not at the end of a resource");
        }
        Ok(Self { pattern, right })
    }
}

impl Pattern {
    fn fits(&self, name: &str) -> bool {
        match self {
            Self::Exactly(text) => text == name,
            Self::From(beginning) => name.starts_with(beginning),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(text: &str) -> Rules {
        Rules::parse(text).unwrap()
    }

    #[test]
    fn a_star_stands_for_any_text_and_nothing_else_does() {
        let cases = [
            ("prn::*", Resource::Root, true),
            ("prn::*", Resource::Stream("a", "b"), true),
            ("*", Resource::Scope("a"), true),
            ("prn::/", Resource::Root, true),
            ("prn::/", Resource::Scope("a"), false),
            ("prn::/scope:a", Resource::Scope("a"), true),
            ("prn::/scope:a", Resource::Scope("ab"), false),
            ("prn::/scope:a", Resource::Stream("a", "b"), false),
            ("prn::/scope:a/*", Resource::Stream("a", "b"), true),
            ("prn::/scope:a/*", Resource::Scope("a"), false),
            ("prn::/scope:a/*", Resource::Stream("ab", "c"), false),
            ("prn::/scope:a/stream:b", Resource::Stream("a", "b"), true),
            ("prn::/scope:a/stream:b", Resource::Stream("a", "bc"), false),
            ("prn::/scope:a/stream:b*", Resource::Stream("a", "bc"), true),
        ];
        for (pattern, resource, fits) in cases {
            let right = rules(&format!("{pattern},READ")).right_to(resource);
            let expected = if fits { Right::Read } else { Right::None };
            assert_eq!(right, expected, "{pattern} and {resource}");
        }
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let rules = rules("prn::/scope:a/stream:b,NONE; prn::/scope:a/*,READ;prn::*,READ_UPDATE;");
        assert_eq!(rules.right_to(Resource::Stream("a", "b")), Right::None);
        assert_eq!(rules.right_to(Resource::Stream("a", "c")), Right::Read);
        assert_eq!(rules.right_to(Resource::Scope("a")), Right::ReadUpdate);
        assert_eq!(Rules::default().right_to(Resource::Root), Right::None);
    }

    #[test]
    fn what_is_no_rule_is_refused() {
        for bad in [
            "prn::/scope:a",
            "prn::/scope:a,WRITE",
            ",READ",
            "a,READ",
            "scope:a,READ",
            "prn::/scope:*/stream:b,READ",
            "prn::**,READ",
            "prn::*,READ,READ",
        ] {
            assert!(Rules::parse(bad).is_err(), "{bad}");
        }
    }
}
