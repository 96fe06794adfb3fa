//! What a test does to a mesh: nodes end and start, links are cut and heal.

use std::sync::PoisonError;

use hopline_mesh::brain::{Command, Impairment};
use hopline_mesh::name::{LinkName, NodeName};

use super::cable::Cable;
use super::{Mesh, MeshError, Nodes};

impl Mesh {
    /// Starts a node of this process that is declared and does not run.
    ///
    /// # Errors
    /// [`MeshError`] where it is not declared or does not start, or nodes are processes, which their
    /// supervisor starts.
    ///
    /// # Cancel safety
    /// The node ends if the future is dropped.
    pub async fn start_node(&mut self, name: &str) -> Result<(), MeshError> {
        match &mut self.nodes {
            Nodes::Local(local) => local.start_node(&self.plan, name).await,
            Nodes::Processes(_) => Err(MeshError::NoNode { name: name.to_owned() }),
        }
    }

    /// Ends a node of this process, with a good-bye to its neighbours.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs here.
    ///
    /// # Cancel safety
    /// The node ends at once if the future is dropped.
    pub async fn stop_node(&mut self, name: &str) -> Result<(), MeshError> {
        match &mut self.nodes {
            Nodes::Local(local) => local.take(name)?.shutdown().await,
            Nodes::Processes(_) => {
                return Err(MeshError::NoNode { name: name.to_owned() });
            }
        }
        Ok(())
    }

    /// Ends a node without a word, as a crash would. A process is started again by its supervisor.
    ///
    /// # Errors
    /// [`MeshError::NoNode`] where none of this name runs.
    pub fn kill_node(&mut self, name: &str) -> Result<(), MeshError> {
        match &mut self.nodes {
            Nodes::Local(local) => drop(local.take(name)?),
            Nodes::Processes(processes) => processes.kill(name)?,
        }
        Ok(())
    }

    /// Takes a link down at both of its ends, until it is healed.
    ///
    /// # Errors
    /// [`MeshError`] where it is no link between two running nodes.
    ///
    /// # Cancel safety
    /// The link may be down at one end only.
    pub async fn cut(&self, link: &str) -> Result<(), MeshError> {
        let link: LinkName = link.parse()?;
        self.order(&link, Command::Cut).await?;
        self.note_cut(link);
        Ok(())
    }

    /// Lets a link come up again.
    ///
    /// # Errors
    /// As [`Mesh::cut`].
    ///
    /// # Cancel safety
    /// The link may be healed at one end only.
    pub async fn heal(&self, link: &str) -> Result<(), MeshError> {
        let link: LinkName = link.parse()?;
        if let Ok(cable) = self.cable(&link) {
            cable.pass();
        }
        self.order(&link, Command::Heal).await?;
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).remove(&link);
        Ok(())
    }

    /// Ends the connection of a link in the middle of a frame, and tells both ends by RST, as a machine does that
    /// has restarted. They connect again. Returns when they were told, which is with the next bytes on the link.
    ///
    /// # Errors
    /// [`MeshError::NoCable`] where the mesh is not [over TCP](Mesh::over_tcp).
    ///
    /// # Cancel safety
    /// The connection may end all the same.
    pub async fn reset(&self, link: &str) -> Result<(), MeshError> {
        self.cable(&link.parse()?)?.reset().await;
        Ok(())
    }

    /// Has the connection of a link swallow all that is sent on it, both ways, and stay open, as a network does
    /// that has lost its way; and lets no other one through, until the link is [healed](Mesh::heal).
    ///
    /// # Errors
    /// As [`Mesh::reset`].
    pub fn black_hole(&self, link: &str) -> Result<(), MeshError> {
        let link: LinkName = link.parse()?;
        self.cable(&link)?.swallow();
        self.note_cut(link);
        Ok(())
    }

    fn cable(&self, link: &LinkName) -> Result<&Cable, MeshError> {
        match &self.nodes {
            Nodes::Local(local) => local.cable(link),
            Nodes::Processes(_) => Err(MeshError::NoCable { link: link.clone() }),
        }
    }

    /// Makes a link suffer this at both of its ends, each on the way to the other, and nothing else;
    /// [`Impairment::default`] leaves it alone. A process that is started again suffers what the file
    /// says.
    ///
    /// # Errors
    /// As [`Mesh::cut`].
    ///
    /// # Cancel safety
    /// The link may be impaired at one end only.
    ///
    /// # Examples
    /// ```
    /// use std::time::Duration;
    /// use hopline_testkit::{Impairment, Mesh};
    ///
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// # let text = "[mesh]\nname = 'm'\n[nodes.top]\n[nodes.east]\nupstream = 'top'\n";
    /// # let mesh = Mesh::from_text("m.toml", text).await?;
    /// let slow = Impairment { latency: Some(Duration::from_millis(5)), ..Impairment::default() };
    /// mesh.impair("east--top", slow).await?;
    /// let started = std::time::Instant::now();
    /// mesh.trace("east", "top").await?;
    /// assert!(started.elapsed() >= Duration::from_millis(10));
    /// mesh.shutdown().await;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    pub async fn impair(&self, link: &str, impairment: Impairment) -> Result<(), MeshError> {
        let order = |neighbour| Command::Impair(neighbour, impairment);
        self.order(&link.parse()?, order).await
    }

    fn note_cut(&self, link: LinkName) {
        self.cut.lock().unwrap_or_else(PoisonError::into_inner).insert(link);
    }

    /// The links that were cut and not healed.
    pub(super) fn cut_links(&self) -> Vec<LinkName> {
        let cut = self.cut.lock().unwrap_or_else(PoisonError::into_inner);
        cut.iter().cloned().collect()
    }

    async fn order(
        &self,
        link: &LinkName,
        order: impl Fn(NodeName) -> Command,
    ) -> Result<(), MeshError> {
        for (end, other) in [(link.lesser(), link.greater()), (link.greater(), link.lesser())] {
            let order = order(other.clone());
            match &self.nodes {
                Nodes::Local(local) => local.node(end.as_str())?.command(order).await?,
                Nodes::Processes(processes) => processes.command(end, order).await?,
            }
        }
        Ok(())
    }
}
