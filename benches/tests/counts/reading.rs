//! What reading costs.

use crate::scene::{REPLY, Scene};

const WARM_UP: usize = 32;
const REPLIES: usize = 128;

#[test]
fn a_chunk_is_where_the_socket_put_it() {
    let scene = Scene::new();
    let mut reader = scene.reader();
    let seam = scene.seam.clone();
    scene.runtime.block_on(async {
        let mut received = 0;
        seam.take(&[]);
        while received < (WARM_UP + REPLIES) * REPLY {
            let chunk = reader.read_chunk(REPLY).await.unwrap().unwrap();
            received += chunk.len();
            let passed = seam.look();
            assert!(
                passed.is_as_received(&chunk),
                "a chunk was copied after {received} bytes"
            );
        }
    });
}

#[test]
fn reading_into_a_slice_allocates_for_the_socket_only() {
    let scene = Scene::new();
    let mut reader = scene.reader();
    let mut buffer = vec![0; REPLY];
    let mut read = async |volume: usize| {
        let mut received = 0;
        while received < volume {
            received += reader.read(&mut buffer).await.unwrap();
        }
    };
    scene.runtime.block_on(read(WARM_UP * REPLY));
    scene.seam.take(&[]);
    let volume = REPLIES * REPLY;
    let cost = scene.cost(async || read(volume).await);
    let passed = scene.seam.take(&[]);
    println!("{cost:?}, {} writes, {} reads", passed.writes, passed.reads);
    // One buffer for each reply at most, and requests are small.
    assert!(
        cost.allocations.bytes_total <= volume as u64 / 100 * 110,
        "{cost:?}"
    );
}
