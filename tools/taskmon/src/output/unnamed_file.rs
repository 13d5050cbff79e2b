// SPDX-License-Identifier: GPL-2.0

//! Files without a name: what is in them goes with the program, whatever ends that.

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

/// A file of that kind, for reading and writing.
pub struct Unnamed {
    file: File,
    /// Where the file system knows no such files (9P, NFS): a name until then.
    name: Option<TempPath>,
}

impl Unnamed {
    /// On the file system of that folder, with these permissions, as far as the user's mask allows.
    pub fn in_folder(folder: &Path, mode: u32) -> io::Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .mode(mode)
            .custom_flags(O_TMPFILE)
            .open(folder);
        let error = match file {
            Ok(file) => return Ok(Self { file, name: None }),
            Err(error) => error,
        };
        fs::metadata(folder)?;
        let named = Builder::new()
            .prefix(".taskmon.")
            .permissions(Permissions::from_mode(mode))
            .tempfile_in(folder);
        // What that says itself names a file that nobody asked for.
        let (file, name) = named.map_err(|_| error)?.into_parts();
        Ok(Self {
            file,
            name: Some(name),
        })
    }

    /// By what it can be opened meanwhile.
    pub fn path(&self) -> PathBuf {
        match &self.name {
            Some(name) => name.to_path_buf(),
            None => format!("/proc/self/fd/{}", self.file.as_raw_fd()).into(),
        }
    }

    /// Gives it a name in its folder that no other file has, with this beginning and end. It still
    /// goes with the value that is returned.
    pub fn link(self, folder: &Path, prefix: &str, suffix: &str) -> io::Result<TempPath> {
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
            .make_in(folder, link)?;
        Ok(linked.into_temp_path())
    }
}

impl Write for Unnamed {
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

    fn names(folder: &Path) -> usize {
        fs::read_dir(folder).unwrap().count()
    }

    #[test]
    fn a_name_when_wanted() {
        let folder = tempfile::tempdir().unwrap();
        let mut file = Unnamed::in_folder(folder.path(), 0o600).unwrap();
        file.write_all(b"text").unwrap();
        assert_eq!(fs::read(file.path()).unwrap(), b"text");
        let is_unnamed = file.name.is_none();
        assert_eq!(names(folder.path()), usize::from(!is_unnamed));
        let name = file.link(folder.path(), "a", ".b").unwrap();
        assert_eq!(fs::read(&name).unwrap(), b"text");
        drop(name);
        assert_eq!(names(folder.path()), 0);
    }

    #[test]
    fn no_such_folder() {
        let error = Unnamed::in_folder(Path::new("/no/such"), 0o600)
            .err()
            .unwrap();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
