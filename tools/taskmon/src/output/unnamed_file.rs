// SPDX-License-Identifier: GPL-2.0

//! Files without a name. The kernel frees such a file when the program ends, even if it is killed.

use nix::{
    fcntl::{AtFlags, AT_FDCWD},
    libc::O_TMPFILE,
    unistd::linkat,
};
use std::{
    fs::{self, File, OpenOptions, Permissions},
    io::{self, Write},
    os::{
        fd::AsRawFd,
        unix::fs::{OpenOptionsExt, PermissionsExt},
    },
    path::{Path, PathBuf},
};
use tempfile::{Builder, TempPath};

/// A file without a name, open for reading and writing.
pub struct UnnamedFile {
    file: File,
    /// A temporary name, if the file system does not support unnamed files (9P, NFS). The file is
    /// removed when this value is dropped.
    name: Option<TempPath>,
}

impl UnnamedFile {
    /// Creates a file on the file system of `directory`, with the permissions `mode` less those in
    /// the umask.
    ///
    /// Fails if `directory` does not exist or is not writable.
    pub fn create_in(directory: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(mode)
            .custom_flags(O_TMPFILE)
            .open(directory);
        let error = match file {
            Ok(file) => return Ok(Self { file, name: None }),
            Err(error) => error,
        };
        fs::metadata(directory)?;
        let named = Builder::new()
            .prefix(".taskmon.")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(directory);
        // The first error is returned: the second one contains a name that the user does not know.
        let (file, name) = named.map_err(|_| error)?.into_parts();
        Ok(Self {
            file,
            name: Some(name),
        })
    }

    /// Returns a path by which this process can open the file.
    pub fn path(&self) -> PathBuf {
        match &self.name {
            Some(name) => name.to_path_buf(),
            None => format!("/proc/self/fd/{}", self.file.as_raw_fd()).into(),
        }
    }

    /// Returns another descriptor of the file, with the same position.
    pub fn duplicate(&self) -> io::Result<File> {
        self.file.try_clone()
    }

    /// Gives the file a unique name in `directory`, which must be on the same file system. The name
    /// begins with `prefix` and ends with `suffix`. A file that has a temporary name keeps that
    /// one.
    ///
    /// The file is removed when the returned value is dropped, unless it is persisted.
    pub fn link(self, directory: &Path, prefix: &str, suffix: &str) -> io::Result<TempPath> {
        let path = self.path();
        if let Some(name) = self.name {
            return Ok(name);
        }
        let link = |name: &Path| {
            linkat(AT_FDCWD, &path, AT_FDCWD, name, AtFlags::AT_SYMLINK_FOLLOW)
                .map_err(io::Error::from)
        };
        let linked = Builder::new()
            .prefix(prefix)
            .suffix(suffix)
            .make_in(directory, link)?;
        Ok(linked.into_temp_path())
    }
}

impl Write for UnnamedFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count_names(directory: &Path) -> usize {
        fs::read_dir(directory).unwrap().count()
    }

    #[test]
    fn name_after_link() {
        let directory = tempfile::tempdir().unwrap();
        let mut file = UnnamedFile::create_in(directory.path(), 0o600).unwrap();
        file.write_all(b"text").unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"text");
        let is_unnamed = file.name.is_none();
        assert_eq!(count_names(directory.path()), usize::from(!is_unnamed));
        let name = file.link(directory.path(), "a", ".b").unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"text");
        drop(name);
        assert_eq!(count_names(directory.path()), 0);
    }

    #[test]
    fn missing_directory() {
        let error = UnnamedFile::create_in(Path::new("/no/such"), 0o600)
            .err()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
