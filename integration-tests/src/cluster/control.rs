//! The cluster's stores, killed and started through the script that made the cluster.

use std::{
    env,
    process::{Command, Stdio},
};

use pravega_controller_api::controller_service_client::ControllerServiceClient;
use tokio::task::spawn_blocking;
use tonic::transport::{Channel, Endpoint};

use crate::campaign::{Verdict, Violation};

/// The variables that `real-cluster.sh` sets.
const CONTROLLER: &str = "PRAVEGA_CONTROLLER_URI";
const SCRIPT: &str = "PRAVEGA_CLUSTER_CTL";

/// A handle on the cluster.
#[derive(Debug)]
pub(super) struct Control {
    uri: String,
    script: String,
}

impl Control {
    /// The cluster that this process was started for.
    pub(super) fn from_environment() -> Verdict<Self> {
        let variable = |name| {
            let missing = format!("{name} is not set: start this with real-cluster.sh");
            env::var(name).map_err(|_| Violation::broken(missing))
        };
        Ok(Self {
            uri: variable(CONTROLLER)?,
            script: variable(SCRIPT)?,
        })
    }

    /// The controller's address.
    pub(super) fn uri(&self) -> &str {
        &self.uri
    }

    /// The controller, without any of our client.
    pub(super) fn controller(&self) -> Verdict<ControllerServiceClient<Channel>> {
        let endpoint = Endpoint::from_shared(self.uri.replace("tcp://", "http://"));
        let endpoint = endpoint.map_err(|error| Violation::broken(error.to_string()))?;
        Ok(ControllerServiceClient::new(endpoint.connect_lazy()))
    }

    /// Kills a store with SIGKILL. Nobody listens at its address then.
    pub(super) async fn kill_store(&self, store: &str) -> Verdict {
        self.order("kill-store", store).await
    }

    /// Starts a store again, and comes back when it listens.
    pub(super) async fn start_store(&self, store: &str) -> Verdict {
        self.order("start-store", store).await
    }

    async fn order(&self, order: &'static str, store: &str) -> Verdict {
        let mut command = Command::new(&self.script);
        command.args([order, store]).stdin(Stdio::null());
        let failed = |why: String| Violation::broken(format!("{order} {store}: {why}"));
        let ended = spawn_blocking(move || command.status()).await;
        let status = ended.map_err(|error| failed(error.to_string()))?;
        let status = status.map_err(|error| failed(error.to_string()))?;
        match status.success() {
            true => Ok(()),
            false => Err(failed(status.to_string())),
        }
    }
}
