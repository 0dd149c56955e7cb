//! A7 and A8: a store that sends its clients in circles, acknowledges what nobody wrote, or would like a password.

use std::{sync::Arc, time::Duration};

use base64::{Engine as _, engine::general_purpose::STANDARD};
use pravega_byte_stream::{Credentials, WriteError, WriteMode};
use pravega_integration_tests::{Honest, ScriptedPravega};
use pravega_wire_protocol::{
    AppendSetup, DataAppended, ErrorMessage, OperationUnsupported, Reply, Request, WrongHost,
};

use crate::support::{BOTH_MODES, short_of_time, story};

const PASSWORD: &str = "for the controller only";

/// The right answer to a setup.
fn set_up(request: &Request) -> Option<Reply> {
    let Request::SetupAppend(setup) = request else {
        return None;
    };
    let reply = AppendSetup {
        request_id: setup.request_id,
        segment: Arc::clone(&setup.segment),
        writer_id: setup.writer_id,
        last_event_number: i64::MIN,
    };
    Some(reply.into())
}

#[tokio::test]
async fn a8_redirects_without_end_are_an_error_at_the_deadline() {
    let pravega = ScriptedPravega::answering(|request, _| {
        let reply = WrongHost {
            request_id: request.request_id()?,
            segment: "scripted/stream/0.#epoch.0".into(),
            correct_host: "localhost:1".to_owned(),
            server_stack_trace: String::new(),
        };
        Some(Reply::from(reply))
    })
    .await;
    let factory = pravega.factory_with(short_of_time);
    let handle = factory.segment(pravega.segment()).unwrap();
    let error = handle.info().await.unwrap_err();
    assert!(error.is_retryable(), "{error:?}");
    let mut writer = factory.create_byte_writer(pravega.segment());
    writer.write(b"nowhere").await.unwrap();
    let error = writer.flush().await.unwrap_err();
    assert!(matches!(error, WriteError::Timeout { .. }), "{error:?}");
    // With pauses between them: 600 ms of each would hold many thousand.
    let record = pravega.record();
    assert!(record.requests.len() < 1_000, "{}", record.requests.len());
    assert!(record.connections < 100, "{}", record.connections);
}

#[tokio::test]
async fn a8_acks_for_nothing_make_nothing_durable() {
    for number in [2, 1 << 40, i64::MAX] {
        for mode in BOTH_MODES {
            let pravega = ScriptedPravega::answering(move |request, _| {
                if let Request::GetStreamSegmentInfo(ask) = request {
                    return Some(Reply::from(Honest::open("").info(ask)));
                }
                let writer_id = match request {
                    Request::ConditionalBlockEnd(block) => block.writer_id,
                    Request::AppendBlockEnd(block) => block.writer_id,
                    other => return set_up(other),
                };
                let ack = DataAppended {
                    writer_id,
                    event_number: number,
                    previous_event_number: number - 1,
                    request_id: request.request_id()?,
                    current_segment_write_offset: 1_000_000,
                };
                Some(ack.into())
            })
            .await;
            let factory = pravega.factory_with(short_of_time);
            let opening = factory.open_byte_writer(pravega.segment()).mode(mode);
            let mut writer = opening.await.unwrap();
            writer.write(b"one block").await.unwrap();
            let flushed = writer.flush().await;
            assert!(flushed.is_err(), "{mode:?}, {number}: {flushed:?}");
            assert_eq!(writer.durable_offset(), 0, "{mode:?}, {number}");
        }
    }
}

#[tokio::test]
async fn a8_the_password_is_for_the_controller_only() {
    let pravega = ScriptedPravega::answering(|request, _| {
        set_up(request).or_else(|| Honest::open("some bytes").answer(request))
    })
    .await;
    let credentials = Credentials::basic("somebody", PASSWORD);
    let factory = pravega.factory_with(|config| short_of_time(config).credentials(credentials));
    let reader = factory.create_byte_reader(pravega.segment()).await;
    assert_eq!(reader.read_at(0, 10).await.unwrap(), "some bytes");
    let opening = factory.open_byte_writer(pravega.segment());
    let mut writer = opening.mode(WriteMode::Shared).await.unwrap();
    writer.write(b"x").await.unwrap();
    writer.flush().await.unwrap_err();
    let record = pravega.record();
    assert!(record.requests.len() >= 3, "{record:?}");
    let pair = STANDARD.encode(format!("somebody:{PASSWORD}"));
    for request in record.requests {
        let bytes = request.encode_to_bytes().unwrap();
        let text = String::from_utf8_lossy(&bytes);
        for secret in [PASSWORD, "somebody", "Basic", &pair] {
            assert!(!text.contains(secret), "{secret} in {text:?}");
        }
    }
}

/// What a peer says is printed without its escape codes, and shortened.
#[tokio::test]
async fn a7_the_words_of_a_peer_are_escaped_and_shortened() {
    let words = || format!("\u{1b}[2J\r\n\u{202e}{}", "x".repeat(60_000));
    let answers: [fn(i64, String) -> Reply; 2] = [
        |request_id, words| {
            let segment = "scripted/stream/0.#epoch.0".into();
            ErrorMessage {
                request_id,
                segment,
                message: words,
                error_code: -1,
            }
            .into()
        },
        |request_id, words| {
            OperationUnsupported {
                request_id,
                operation_name: words.clone(),
                server_stack_trace: words,
            }
            .into()
        },
    ];
    for answer in answers {
        let pravega = ScriptedPravega::answering(move |request, _| {
            Some(answer(request.request_id()?, words()))
        })
        .await;
        let factory = pravega.factory_with(|config| {
            short_of_time(config).operation_timeout(Duration::from_millis(100))
        });
        let handle = factory.segment(pravega.segment()).unwrap();
        let error = handle.info().await.unwrap_err();
        let told = format!("{} {error:?}", story(&error));
        assert!(told.len() < 10_000, "{} bytes", told.len());
        assert!(
            !told.contains(['\u{1b}', '\r', '\n', '\u{202e}']),
            "{told:?}"
        );
    }
}
