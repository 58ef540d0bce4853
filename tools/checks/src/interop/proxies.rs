//! The proxies that the service is tried behind.

use std::ffi::OsString;

use tools_kit::debian::Package;

const NGINX: Package = Package { name: "nginx-light", program: "nginx", version: "-v" };
const HAPROXY: Package = Package { name: "haproxy", program: "haproxy", version: "-v" };

/// Finds or unpacks them, and returns the variables that say where they and their libraries are.
pub(crate) async fn obtain() -> anyhow::Result<Vec<(String, OsString)>> {
    let folder = tools_postgres::cache::packages()?;
    let mut variables = Vec::new();
    for (name, package) in [("NGINX", NGINX), ("HAPROXY", HAPROXY)] {
        let program = package.obtain(&folder).await?;
        variables.push((name.to_owned(), program.path().into()));
        let libraries = program.variables().into_iter().find(|(name, _)| *name == "LD_LIBRARY_PATH");
        variables.extend(libraries.map(|(_, path)| (format!("{name}_LIBRARIES"), path.into_os_string())));
    }
    Ok(variables)
}
