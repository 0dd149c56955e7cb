//! What reading costs.

use crate::scene::{REPLY, Scene, wide};

/// Replies before anything is counted: as many buffers are in turn then as there ever will be.
const WARM_UP: usize = 256;
const REPLIES: usize = 1_024;
/// Calls of the socket for each reply of 1 MiB that more room would save, and the one that asks: a read up to the header's
/// end and a little further, and one up to the reply's end.
const CALLS_PER_REPLY: u64 = 3;
/// Calls for replies that are under way when counting begins: as many as are read ahead.
const CALLS_UNDER_WAY: u64 = 4 * CALLS_PER_REPLY;

/// The most bytes of a large reply that are moved: those in front, which tell its length, come into the common buffer.
const MOVED: usize = 256 * 1024;

#[test]
fn chunks_are_where_the_socket_put_them_but_for_their_first_bytes() {
    let scene = Scene::new();
    let mut reader = scene.reader();
    let seam = scene.seam.clone();
    let mut copied = 0;
    scene.runtime.block_on(async {
        let mut received = 0;
        seam.take(&[]);
        while received < (WARM_UP + REPLIES) * REPLY {
            let chunk = reader.read_chunk(REPLY).await.unwrap().unwrap();
            received += chunk.len();
            let rest = chunk.get(MOVED..).unwrap_or_default();
            let is_copied = !rest.is_empty() && !seam.look().take_as_received(rest);
            copied += usize::from(is_copied && received > WARM_UP * REPLY);
        }
    });
    assert!(copied <= REPLIES / 10, "{copied} of {REPLIES} chunks");
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
    let calls = passed.full_reads + passed.writes;
    let most = CALLS_PER_REPLY * wide(REPLIES) + CALLS_UNDER_WAY;
    assert!(calls <= most, "{calls}");
    // Replies are received into memory that earlier ones have left, and requests are small.
    let allocated = cost.allocations.bytes_total;
    assert!(allocated <= wide(volume / 10), "{cost:?}");
    assert!(cost.page_faults_per_gib(volume) <= 1_000, "{cost:?}");
}
