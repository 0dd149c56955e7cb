//! Which names may be given.

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, named, stream},
};

#[tokio::test]
async fn names() {
    compare("names", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("scopes", scopes),
    ("long-scopes", long_scopes),
    ("streams", streams),
    ("long-streams", long_streams),
    ("dots", dots),
    ("streams-of-dots", streams_of_dots),
    ("internal", internal),
];

fn scopes(s: &Scene) {
    for name in [
        "a", "A", "0", "a-b", "a.b", "-", "a_b", "a b", "a/b", "a#b", "\u{fc}", "a\0", "a\n",
        "a:b", "a%20b",
    ] {
        // Behind something that nobody else uses.
        let name = format!("{}{name}", s.unique());
        s.create_scope(named(&name));
        s.check_scope_exists(named(&name));
        s.delete_scope(named(&name));
    }
    let internal = format!("_{}", s.unique());
    s.create_scope(named(&internal));
    s.delete_scope(named(&internal));
    s.create_scope(named(&format!("__{}", s.unique())));
    s.delete_scope(named(&format!("__{}", s.unique())));
    for name in [" ", "_"] {
        s.create_scope(named(name));
    }
}

fn long_scopes(s: &Scene) {
    let base = s.unique();
    for length in [255, 256] {
        let name = format!("{base}{}", "x".repeat(length - base.len()));
        s.create_scope(named(&name));
        s.delete_scope(named(&name));
    }
}

fn streams(s: &Scene) {
    let scope = s.scope();
    for name in [
        "a", "A", "0", "a-b", "a.b", "-", "a_b", "_x", "__x", "_", "a b", " ", "a/b", "/", "a#b",
        "\u{fc}", "a\0", "a\n", "a:b",
    ] {
        let about = stream(&scope, name);
        s.create_stream(fixed(&about, 1));
        s.check_stream_exists(about);
    }
}

fn long_streams(s: &Scene) {
    let scope = s.scope();
    for length in [249, 250, 251, 255, 256, 1000] {
        let about = stream(&scope, &"x".repeat(length));
        s.create_stream(fixed(&about, 1));
        s.check_stream_exists(about);
    }
}

fn dots(s: &Scene) {
    for name in [".", "..", "..."] {
        s.create_scope(named(name));
        s.delete_scope(named(name));
    }
}

fn streams_of_dots(s: &Scene) {
    let scope = s.scope();
    for name in [".", "..", "..."] {
        s.create_stream(fixed(&stream(&scope, name), 1));
        s.check_stream_exists(stream(&scope, name));
    }
}

fn internal(s: &Scene) {
    s.check_scope_exists(named("_system"));
    s.create_scope(named("_system"));
    let made = s.stream(1);
    s.check_stream_exists(stream(&made.scope, "_MARKs"));
    s.create_stream(fixed(&stream(&made.scope, "_MARKs"), 1));
}
