pub struct World;
impl World {
    pub fn new(_seed: u64) -> Self {
        Self
    }
}
