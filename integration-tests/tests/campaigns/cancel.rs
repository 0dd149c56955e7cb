//! Futures dropped at every await.

use std::{
    collections::BTreeSet,
    fs,
    path::{Path, PathBuf},
};

use pravega_integration_tests::{campaign::Plan, cancel};

/// The crates whose public futures are dropped.
const CRATES: [&str; 3] = ["byte-stream", "controller-client", "connection-pool"];

#[test]
fn t73_c1_every_public_future_dropped_at_every_await_and_repeated() {
    let report = cancel::run(&Plan::new(1));
    assert!(report.is_clean(), "{report}");
}

#[test]
fn c1_no_public_future_is_left_out() {
    let found: BTreeSet<String> = CRATES.iter().flat_map(|it| futures_of(it)).collect();
    assert!(
        found.len() > 60,
        "the sources were not understood: {found:?}"
    );
    let dropped = cancel::public_futures();
    let dropped: BTreeSet<String> = dropped.into_iter().map(str::to_owned).collect();
    let left_out: Vec<_> = found.difference(&dropped).collect();
    assert!(left_out.is_empty(), "no case drops {left_out:?}");
    let gone: Vec<_> = dropped.difference(&found).collect();
    assert!(gone.is_empty(), "cases for what is not there: {gone:?}");
}

/// The public futures in the sources of a crate: `Type::method`, or `Type as Trait::method`.
fn futures_of(package: &str) -> BTreeSet<String> {
    let sources = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("..")
        .join(package)
        .join("src");
    let mut files = Vec::new();
    collect(&sources, &mut files);
    let texts: Vec<String> = files
        .iter()
        .map(|file| fs::read_to_string(file).unwrap())
        .collect();
    // A trait can be implemented for a type that nobody outside can name.
    let is_public = |future: &String| {
        let of_trait = future.split_once(" as ");
        of_trait.is_none_or(|(name, _)| {
            let declared = [format!("pub struct {name}"), format!("pub enum {name}")];
            let is_declared = |text: &String| declared.iter().any(|it| text.contains(it));
            texts.iter().any(is_declared)
        })
    };
    texts
        .iter()
        .flat_map(|text| futures_in(text))
        .filter(is_public)
        .collect()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && name != "tests" {
            collect(&path, files);
        } else if name.ends_with(".rs") && name != "tests.rs" {
            files.push(path);
        }
    }
}

/// Traits that are futures, or made of `poll` functions.
const TRAITS: [&str; 9] = [
    "AsyncBufRead",
    "AsyncRead",
    "AsyncSeek",
    "AsyncWrite",
    "Dial",
    "Future",
    "IntoFuture",
    "Sink",
    "Stream",
];

fn futures_in(source: &str) -> BTreeSet<String> {
    let code = source.split("#[cfg(test)]\nmod tests {").next().unwrap();
    let (mut found, mut owner) = (BTreeSet::new(), None);
    // A signature may go over several lines: all of it up to its body.
    let mut signature = String::new();
    for line in code.lines() {
        if let Some(rest) = line.strip_prefix("impl") {
            owner = Some(owner_of(rest));
        } else if line == "}" {
            owner = None;
        }
        let text = line.trim();
        let begins = ["pub fn ", "pub async fn ", "fn ", "async fn "];
        if begins.iter().any(|it| text.starts_with(it)) {
            signature.clear();
        }
        signature.push_str(text);
        signature.push(' ');
        if !text.ends_with('{') {
            continue;
        }
        if let (Some(owner), Some(name)) = (&owner, name_of(&signature)) {
            let is_public = signature.starts_with("pub ") && is_future(&signature);
            let is_polled = match owner.split_once(" as ") {
                Some((_, "AsyncSeek")) => name == "poll_complete",
                Some((_, "Dial")) => name == "dial",
                Some((_, _)) => name == "into_future" || name.starts_with("poll_"),
                None => false,
            };
            if is_public || is_polled {
                found.insert(format!("{owner}::{name}"));
            }
        }
        signature.clear();
    }
    found
}

/// `Type`, or `Type as Trait` for the traits that matter here; what follows `impl`.
fn owner_of(rest: &str) -> String {
    let rest = rest
        .trim_start_matches(|c| c != ' ')
        .trim()
        .trim_end_matches('{')
        .trim();
    let plain = |name: &str| name.split('<').next().unwrap().trim().to_owned();
    match rest.split_once(" for ") {
        Some((of, name)) if TRAITS.contains(&plain(of).as_str()) => {
            format!("{} as {}", plain(name), plain(of))
        }
        Some((_, name)) => plain(name),
        None => plain(rest),
    }
}

fn name_of(signature: &str) -> Option<String> {
    let rest = signature.split_once("fn ")?.1;
    Some(rest.split(['(', '<']).next()?.to_owned())
}

/// Asynchronous, or a function that gives a future or a stream.
fn is_future(signature: &str) -> bool {
    let given = signature.rsplit_once(") ->").map_or("", |(_, given)| given);
    let is_of_an_argument = given.matches(')').count() > given.matches('(').count();
    let kinds = ["impl Future", "impl Stream", "BoxFuture", "BoxStream"];
    let gives_one = !is_of_an_argument && kinds.iter().any(|it| given.contains(it));
    signature.starts_with("pub async fn ") || gives_one
}

#[test]
fn sources_are_understood() {
    let source = "
impl<T> Plain<T> {
    pub async fn waits(&self) -> u8 {
        async fn inside() {}
    }
    pub(crate) async fn hidden(&self) {
    }
    pub fn pieces(
        &self,
    ) -> impl Stream<Item = u8> {
    }
    pub fn not(self, f: impl FnOnce() -> BoxFuture<u8>) {
    }
}

impl Stream for Pieces {
    fn poll_next(mut self: Pin<&mut Self>) -> Poll<Option<u8>> {
    }
}

#[cfg(test)]
mod tests {
    impl Other {
        pub async fn test() {
        }
    }
}
";
    let found: Vec<String> = futures_in(source).into_iter().collect();
    let wanted = [
        "Pieces as Stream::poll_next",
        "Plain::pieces",
        "Plain::waits",
    ];
    assert_eq!(found, wanted);
}
