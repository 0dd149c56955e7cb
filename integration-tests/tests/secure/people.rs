//! What people can do who come with a password, and what they are told otherwise.

use futures::TryStreamExt as _;
use pravega_byte_stream::{
    ClientFactory, ControllerError, ReadFrom, SegmentError, WriteError, WriteMode,
};
use pravega_integration_tests::Pattern;

use crate::house::{House, NOBODY, OWNER, PASSWORD, READER};

#[tokio::test]
async fn bytes_go_there_and_back_through_tls_in_both_modes() {
    let house = House::open().await;
    let factory = house.factory(OWNER);
    for (mode, seed) in [(WriteMode::Exclusive, 1), (WriteMode::Shared, 2)] {
        let stream = house.stream().await;
        let bytes = Pattern::new(seed).bytes(0, 3_000_000);
        let opening = factory.open_byte_reader(stream.clone());
        let mut reader = opening.from(ReadFrom::Tail).await.unwrap();
        let opening = factory.open_byte_writer(stream).mode(mode);
        let mut writer = opening.await.unwrap();
        let mut found = vec![0; bytes.len()];
        let writing = async {
            writer.write_all(&bytes).await.unwrap();
            writer.flush().await.unwrap()
        };
        let (read, tail) = tokio::join!(reader.read_exact(&mut found), writing);
        read.unwrap();
        assert_eq!((found, tail), (bytes.to_vec(), 3_000_000), "{mode:?}");
        writer.truncate_data_before(1_000_000).await.unwrap();
        writer.seal().await.unwrap();
        assert_eq!(reader.read(&mut [0; 8]).await.unwrap(), 0);
    }
}

fn is_unauthorized(error: &SegmentError) -> bool {
    matches!(error, SegmentError::Unauthorized { .. }) && !error.is_retryable()
}

#[tokio::test]
async fn t82_a_wrong_password_is_told_at_once_and_not_tried_again() {
    let house = House::open().await;
    let stream = house.stream().await;
    let strangers = [
        house.config_of(OWNER, "1111_aaab"),
        house.config_of("Admin", PASSWORD),
        house.config_of("stranger", PASSWORD),
        house.config().build().unwrap(),
    ];
    for config in strangers {
        let factory = ClientFactory::new(config);
        let error = factory.open_byte_writer(stream.clone()).await.unwrap_err();
        assert!(is_unauthorized(&error), "{error:?}");
        let error = factory.open_byte_reader(stream.clone()).await.unwrap_err();
        assert!(is_unauthorized(&error), "{error:?}");
        let error = factory
            .controller()
            .unwrap()
            .list_scopes()
            .try_next()
            .await
            .unwrap_err();
        assert!(
            matches!(error, ControllerError::Unauthenticated { .. }),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a5_who_may_read_reads_and_changes_nothing() {
    let house = House::open().await;
    let stream = house.stream().await;
    let owner = house.factory(OWNER);
    let mut writer = owner.open_byte_writer(stream.clone()).await.unwrap();
    writer.write_all(b"for everybody").await.unwrap();
    writer.flush().await.unwrap();

    let factory = house.factory(READER);
    let mut reader = factory.open_byte_reader(stream.clone()).await.unwrap();
    let mut found = [0; 13];
    reader.read_exact(&mut found).await.unwrap();
    assert_eq!(&found, b"for everybody");
    assert_eq!(reader.info().await.unwrap().tail, 13);
    let segment = factory.segment_of(&stream).await.unwrap();
    let handle = factory.segment(segment.clone()).unwrap();
    assert_eq!(handle.info().await.unwrap().tail, 13);
    assert!(
        factory
            .controller()
            .unwrap()
            .stream_exists(&stream)
            .await
            .unwrap()
    );

    let error = factory.open_byte_writer(stream.clone()).await.unwrap_err();
    assert!(is_unauthorized(&error), "{error:?}");
    let mut late = factory.create_byte_writer(segment);
    late.write(b"x").await.unwrap();
    let error = late.flush().await.unwrap_err();
    assert!(
        matches!(error, WriteError::Broken { .. }) && !error.is_retryable(),
        "{error:?}"
    );
    for error in [
        handle.seal().await.unwrap_err(),
        handle.truncate_data_before(5).await.unwrap_err(),
        handle.update_attribute(7, None, Some(1)).await.unwrap_err(),
    ] {
        assert!(is_unauthorized(&error), "{error:?}");
    }
    let controller = factory.controller().unwrap();
    let error = controller.seal_stream(&stream).await.unwrap_err();
    assert!(
        matches!(error, ControllerError::PermissionDenied { .. }),
        "{error:?}"
    );
    let info = reader.info().await.unwrap();
    assert_eq!((info.head, info.tail, info.is_sealed), (0, 13, false));
}

#[tokio::test]
async fn a5_who_may_nothing_learns_nothing() {
    let house = House::open().await;
    let stream = house.stream().await;
    let factory = house.factory(NOBODY);
    let error = factory.open_byte_reader(stream.clone()).await.unwrap_err();
    assert!(is_unauthorized(&error), "{error:?}");
    let error = factory.open_byte_writer(stream.clone()).await.unwrap_err();
    assert!(is_unauthorized(&error), "{error:?}");
    let error = factory.ensure_byte_stream(&stream).await.unwrap_err();
    assert!(is_unauthorized(&error), "{error:?}");
    let controller = factory.controller().unwrap();
    for error in [
        controller.stream_exists(&stream).await.unwrap_err(),
        controller
            .list_streams(stream.scope())
            .try_next()
            .await
            .unwrap_err(),
        controller.list_scopes().try_next().await.unwrap_err(),
    ] {
        assert!(
            matches!(error, ControllerError::PermissionDenied { .. }),
            "{error:?}"
        );
    }
}
