//! Random runs against the model server.
use crate::world::World;
#[test]
fn placeholder() {
    World::new(1);
}
