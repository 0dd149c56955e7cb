//! Multiplexed connections to Pravega segment stores: dial, hello, route replies, keep alive.
