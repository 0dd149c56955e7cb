//! Lists the scopes of a controller, page by page, with nothing but the generated client: `raw_calls
//! http://localhost:9090`.

#![expect(clippy::print_stdout, reason = "an example talks to whoever runs it")]

use pravega_controller_api::{
    ContinuationToken, ScopesRequest, controller_service_client::ControllerServiceClient,
};
use tonic::transport::Endpoint;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let uri = std::env::args().nth(1);
    let uri = uri.unwrap_or_else(|| "http://localhost:9090".to_owned());
    let channel = Endpoint::from_shared(uri)?.connect().await?;
    let mut controller = ControllerServiceClient::new(channel);
    let mut token = String::new();
    loop {
        let request = ScopesRequest {
            continuation_token: Some(ContinuationToken { token }),
        };
        let page = controller.list_scopes(request).await?.into_inner();
        if page.scopes.is_empty() {
            return Ok(());
        }
        page.scopes.iter().for_each(|scope| println!("{scope}"));
        token = page.continuation_token.unwrap_or_default().token;
    }
}
