//! The catalog alone, without gRPC and without a store.

use std::collections::BTreeMap;

use pravega_client_shared::{ScopeName, ScopedStream, StreamName};

use crate::controller::{
    catalog::{Catalog, Entry, Filter, Refusal},
    stream::{StreamSettings, tests::fixed},
};

fn scope(name: &str) -> ScopeName {
    ScopeName::new(name).unwrap()
}

fn stream(name: &str) -> StreamName {
    StreamName::new(name).unwrap()
}

/// Creates a stream in scope `s`, which it creates too.
fn create(catalog: &mut Catalog, name: &str, settings: StreamSettings) -> Result<u32, Refusal> {
    catalog.apply(vec![Entry::Scope(scope("s"), Some(()))]);
    let (name, record) = catalog.plan_create_stream("s", &stream(name), Some(settings))?;
    let first = record.first_segment;
    catalog.apply(vec![Entry::Stream(name, Some(record))]);
    Ok(first)
}

fn seal(catalog: &mut Catalog, name: &str) -> Result<bool, Refusal> {
    let Some((name, record)) = catalog.plan_seal_stream("s", name)? else {
        return Ok(false);
    };
    catalog.apply(vec![Entry::Stream(name, Some(record))]);
    Ok(true)
}

fn delete(catalog: &mut Catalog, name: &str) -> Result<(), Refusal> {
    let (name, record) = catalog.plan_begin_deletion("s", name)?;
    let forget = Catalog::plan_forget(&name, &record);
    catalog.apply(vec![Entry::Stream(name, Some(record))]);
    catalog.apply(forget);
    Ok(())
}

#[test]
fn scopes_come_and_go() {
    let mut catalog = Catalog::default();
    let entries = catalog.plan_create_scope(&scope("s")).unwrap();
    catalog.apply(entries);
    assert!(catalog.has_scope("s"));
    assert_eq!(
        catalog.plan_create_scope(&scope("s")),
        Err(Refusal::ScopeExists)
    );
    create(&mut catalog, "t", fixed(1)).unwrap();
    assert_eq!(catalog.plan_delete_scope("s"), Err(Refusal::ScopeNotEmpty));
    seal(&mut catalog, "t").unwrap();
    delete(&mut catalog, "t").unwrap();
    let entries = catalog.plan_delete_scope("s").unwrap();
    catalog.apply(entries);
    assert_eq!(catalog.plan_delete_scope("s"), Err(Refusal::ScopeNotFound));
    for absent in ["s", "", "a/b", "..", "x_y"] {
        assert!(!catalog.has_scope(absent));
    }
}

#[test]
fn a_stream_moves_through_its_life_in_one_direction() {
    let mut catalog = Catalog::default();
    assert_eq!(create(&mut catalog, "t", fixed(2)), Ok(0));
    assert_eq!(
        create(&mut catalog, "t", fixed(3)),
        Err(Refusal::StreamExists)
    );
    assert_eq!(delete(&mut catalog, "t"), Err(Refusal::StreamNotSealed));
    assert_eq!(seal(&mut catalog, "t"), Ok(true));
    assert_eq!(seal(&mut catalog, "t"), Ok(false));
    let update = catalog.plan_update_stream("s", "t", None);
    assert_eq!(update, Err(Refusal::StreamSealed));
    let truncate = catalog.plan_truncate_stream("s", "t", &BTreeMap::from([(0, 0), (1, 0)]));
    assert_eq!(truncate, Err(Refusal::StreamSealed));
    assert_eq!(delete(&mut catalog, "t"), Ok(()));
    assert_eq!(delete(&mut catalog, "t"), Err(Refusal::StreamNotFound));
    assert_eq!(seal(&mut catalog, "t"), Err(Refusal::StreamNotFound));
}

#[test]
fn numbers_go_on_after_deletion_even_of_the_scope() {
    let mut catalog = Catalog::default();
    for (count, first) in [(2, 0), (1, 2), (3, 3), (1, 6)] {
        assert_eq!(create(&mut catalog, "t", fixed(count)), Ok(first));
        seal(&mut catalog, "t").unwrap();
        delete(&mut catalog, "t").unwrap();
        let entries = catalog.plan_delete_scope("s").unwrap();
        catalog.apply(entries);
    }
    assert_eq!(create(&mut catalog, "other", fixed(1)), Ok(0));
}

#[test]
fn numbers_that_are_used_up_are_refused() {
    let mut catalog = Catalog::default();
    let name = ScopedStream::new(scope("s"), stream("t"));
    for last in [0x7fff_ffff, u32::MAX] {
        catalog.apply(vec![Entry::NextSegment(name.clone(), Some(last))]);
        assert_eq!(create(&mut catalog, "t", fixed(1)), Err(Refusal::Exhausted));
    }
}

#[test]
fn creation_is_refused_in_the_order_of_the_real_controller() {
    let mut catalog = Catalog::default();
    let plan = catalog.plan_create_stream("s", &stream("t"), None);
    assert_eq!(plan, Err(Refusal::ScopeNotFound));
    assert_eq!(
        create(&mut catalog, "t", fixed(0)),
        Err(Refusal::BadRequest)
    );
    assert_eq!(
        create(&mut catalog, "t", fixed(-1)),
        Err(Refusal::BadRequest)
    );
    assert!(catalog.stream("s", "t").is_err());
    create(&mut catalog, "t", fixed(1)).unwrap();
    assert_eq!(
        create(&mut catalog, "t", fixed(0)),
        Err(Refusal::StreamExists)
    );
}

#[test]
fn a_cut_names_every_segment_and_never_goes_back() {
    let mut catalog = Catalog::default();
    create(&mut catalog, "t", fixed(2)).unwrap();
    let bad: [&[(i64, i64)]; 7] = [
        &[],
        &[(0, 0)],
        &[(0, 0), (1, 0), (2, 0)],
        &[(0, 0), (2, 0)],
        &[(0, -1), (1, 0)],
        &[(0, i64::MIN), (1, i64::MAX)],
        &[(-1, 0), (0, 0)],
    ];
    let plan = |catalog: &Catalog, cut: &[(i64, i64)]| {
        catalog.plan_truncate_stream("s", "t", &cut.iter().copied().collect())
    };
    for cut in bad {
        assert_eq!(plan(&catalog, cut), Err(Refusal::BadRequest), "{cut:?}");
    }
    let (name, record) = plan(&catalog, &[(0, 5), (1, 0)]).unwrap();
    catalog.apply(vec![Entry::Stream(name, Some(record))]);
    let heads = |catalog: &Catalog| {
        let (_, record) = catalog.stream("s", "t").unwrap();
        record
            .segments()
            .map(|entry| entry.head)
            .collect::<Vec<_>>()
    };
    assert_eq!(heads(&catalog), [5, 0]);
    assert_eq!(plan(&catalog, &[(0, 4), (1, 9)]), Err(Refusal::BadRequest));
    assert!(plan(&catalog, &[(0, 5), (1, 0)]).is_ok());
    let missing = catalog.plan_truncate_stream("s", "x", &BTreeMap::new());
    assert_eq!(missing, Err(Refusal::StreamNotFound));
}

#[test]
fn an_update_replaces_all_settings_and_no_segments() {
    let mut catalog = Catalog::default();
    create(&mut catalog, "t", fixed(2)).unwrap();
    let settings = StreamSettings {
        tags: vec!["a".into()],
        ..fixed(3)
    };
    let entries = catalog
        .plan_update_stream("s", "t", Some(settings.clone()))
        .unwrap();
    catalog.apply(entries);
    let (_, record) = catalog.stream("s", "t").unwrap();
    assert_eq!(record.settings, settings);
    assert_eq!(record.segment_count, 2);
    let refused = catalog.plan_update_stream("s", "t", Some(fixed(0)));
    assert_eq!(refused, Err(Refusal::BadRequest));
    let missing = catalog.plan_update_stream("s", "x", None);
    assert_eq!(missing, Err(Refusal::StreamNotFound));
}

#[test]
fn listings_end_with_an_empty_page() {
    let mut catalog = Catalog::default();
    for number in 0..2_500 {
        let tags = if number % 3 == 0 {
            vec!["third".into()]
        } else {
            Vec::new()
        };
        let settings = StreamSettings { tags, ..fixed(1) };
        create(&mut catalog, &format!("t{number}"), settings).unwrap();
    }
    let walk = |filter| {
        let mut pages = Vec::new();
        let mut after = String::new();
        loop {
            let page = catalog.streams_after("s", &after, filter).unwrap();
            pages.push(page.len());
            let Some(last) = page.last() else {
                return pages;
            };
            after = last.to_string();
        }
    };
    assert_eq!(walk(Filter::All), [1_000, 1_000, 500, 0]);
    assert_eq!(walk(Filter::Tagged("third")), [834, 0]);
    assert_eq!(walk(Filter::Tagged("")), [0]);
    assert!(
        catalog
            .streams_after("s", "not/ours", Filter::All)
            .unwrap()
            .is_empty()
    );
    let missing = catalog.streams_after("x", "", Filter::All);
    assert_eq!(missing, Err(Refusal::ScopeNotFound));
    assert_eq!(catalog.scopes_after("").len(), 1);
    assert!(catalog.scopes_after("s").is_empty());
}
