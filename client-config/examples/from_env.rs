//! Prints the configuration that the environment asks for, or what is wrong with it.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use pravega_client_config::{ClientConfigBuilder, ConfigError};

fn main() -> Result<(), ConfigError> {
    let config = ClientConfigBuilder::default()
        .controller_uri("tcp://localhost:9090")
        .with_env()
        .build()?;
    println!("controllers  {}", config.controller_address());
    println!("TLS          {}", config.is_tls_enabled());
    println!("credentials  {:?}", config.credentials());
    println!("give up      after {:?}", config.operation_timeout());
    Ok(())
}
