/// SQLite's own URI form of a path, with what it would take for a query or an escape hidden.
/// SQLAlchemy writes absolute paths with four slashes; with three we take it for one, too, for
/// a service has no folder of its own to be relative to.
pub(super) fn client_url(rest: &str) -> Result<String, String> {
    let path = rest.strip_prefix('/').filter(|path| path.starts_with('/')).unwrap_or(rest);
    if !path.starts_with('/') {
        return Err("the path must be absolute: sqlite:////var/lib/firn/firn.db".to_owned());
    }
    if path.contains('\0') || path.ends_with('/') {
        return Err("the path must name a file".to_owned());
    }
    let mut uri = "file:".to_owned();
    for character in path.chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            plain => uri.push(plain),
        }
    }
    Ok(uri)
}
