//! Scopes.

use pravega_controller_api::ScopeInfo;

use crate::controller::{
    Script, compare,
    scene::{Scene, fixed, named, stream},
};

#[tokio::test]
async fn scope() {
    compare("scope", SCRIPTS).await;
}

const SCRIPTS: &[Script] = &[
    ("create", create),
    ("absent", absent),
    ("delete", delete),
    ("delete-not-empty", delete_not_empty),
    ("delete-recursive", delete_recursive),
    ("delete-recursive-absent", delete_recursive_absent),
    ("create-after-delete", create_after_delete),
    ("empty-name", empty_name),
];

fn create(s: &Scene) {
    let scope = s.absent_scope();
    s.check_scope_exists(named(&scope));
    s.create_scope(named(&scope));
    s.create_scope(named(&scope));
    s.check_scope_exists(named(&scope));
}

fn absent(s: &Scene) {
    let scope = s.absent_scope();
    s.check_scope_exists(named(&scope));
    s.delete_scope(named(&scope));
    s.list_streams_to_the_end(&scope, None);
    s.list_streams_to_the_end(&scope, Some("t"));
    s.check_stream_exists(stream(&scope, "s"));
    s.create_stream(fixed(&stream(&scope, "s"), 1));
}

fn delete(s: &Scene) {
    let scope = s.scope();
    s.delete_scope(named(&scope));
    s.delete_scope(named(&scope));
    s.check_scope_exists(named(&scope));
}

fn delete_not_empty(s: &Scene) {
    let in_use = s.stream(1);
    s.delete_scope(named(&in_use.scope));
    s.seal_stream(in_use.clone());
    s.delete_scope(named(&in_use.scope));
    s.delete_stream(in_use.clone());
    s.delete_scope(named(&in_use.scope));
}

fn delete_recursive(s: &Scene) {
    let (first, second) = (s.stream(1), s.stream(2));
    let also = stream(&first.scope, "also");
    s.create_stream(fixed(&also, 1));
    s.append(&first, 0, b"hello");
    s.seal_stream(also.clone());
    s.delete_scope_recursive(named(&first.scope));
    s.check_scope_exists(named(&first.scope));
    s.check_stream_exists(first.clone());
    s.check_stream_exists(also);
    s.check_stream_exists(second);
    s.look(&first, 0);
    s.delete_scope_recursive(named(&first.scope));
}

fn delete_recursive_absent(s: &Scene) {
    let scope = s.absent_scope();
    s.delete_scope_recursive(named(&scope));
}

fn create_after_delete(s: &Scene) {
    let scope = s.scope();
    s.delete_scope(named(&scope));
    s.create_scope(named(&scope));
    s.check_scope_exists(named(&scope));
    s.list_streams_to_the_end(&scope, None);
}

fn empty_name(s: &Scene) {
    let empty = ScopeInfo::default;
    s.create_scope(empty());
    s.delete_scope(empty());
    s.delete_scope_recursive(empty());
    s.check_scope_exists(empty());
    s.list_streams_to_the_end("", None);
    s.list_streams_to_the_end("", Some("t"));
}
