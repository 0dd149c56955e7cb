//! Configuration of a Pravega client: addresses, limits, retries, TLS and credentials.
