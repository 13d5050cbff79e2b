// SPDX-License-Identifier: GPL-2.0

//! Cgroups of version 2, and the processes in them.

use super::shown;
use crate::output::{format::unescaped, os_error_text};
use anyhow::{anyhow, bail, Result};
use nix::{
    errno::Errno,
    sys::statfs::{statfs, CGROUP2_SUPER_MAGIC},
};
use std::{
    collections::BTreeSet,
    ffi::{OsStr, OsString},
    fs, io,
    os::unix::{
        ffi::{OsStrExt, OsStringExt},
        fs::MetadataExt,
    },
    path::{Path, PathBuf},
};

/// A cgroup of version 2.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cgroup {
    folder: PathBuf,
    /// The folder at which cgroups are mounted.
    mount: PathBuf,
}

impl Cgroup {
    /// Returns all cgroups, but for the one that holds all others.
    pub fn all() -> Result<Vec<Self>> {
        let mount = mount_folder()?;
        let mut folders = Vec::new();
        find_below(&mount, &mut |folder| {
            folders.push(folder.to_path_buf());
            true
        });
        let of = |folder| Self {
            folder,
            mount: mount.clone(),
        };
        Ok(folders.into_iter().map(of).collect())
    }

    /// Returns the ids of all cgroups, the numbers of their folders' inodes, and their paths below
    /// the folder at which cgroups are mounted; none if they are not.
    pub fn paths() -> Vec<(u64, PathBuf)> {
        let Ok(mount) = mount_folder() else {
            return Vec::new();
        };
        let mut found = Vec::new();
        let mut add = |folder: &Path| {
            if let (Ok(of), Ok(path)) = (fs::metadata(folder), folder.strip_prefix(&mount)) {
                found.push((of.ino(), Path::new("/").join(path)));
            }
            true
        };
        add(&mount);
        find_below(&mount, &mut add);
        found
    }

    /// Returns the folder of the cgroup.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Returns the path of the cgroup below the folder at which cgroups are mounted.
    pub fn below_mount(&self) -> &Path {
        self.folder
            .strip_prefix(&self.mount)
            .unwrap_or(&self.folder)
    }

    /// Returns the name of the systemd unit, if this is the cgroup of a service, scope or slice.
    pub fn unit(&self) -> Option<OsString> {
        let name = self.folder.file_name()?;
        let name = name
            .as_bytes()
            .strip_prefix(b"_")
            .unwrap_or(name.as_bytes());
        let endings = [".service", ".scope", ".slice"];
        let is_unit = endings.iter().any(|end| name.ends_with(end.as_bytes()));
        is_unit.then(|| OsString::from_vec(name.to_vec()))
    }

    /// Finds the cgroup `path`: a folder, or a path below the folder at which cgroups are mounted.
    pub fn find(path: &Path) -> Result<Self> {
        let mount = mount_folder()?;
        let below = path.strip_prefix("/").unwrap_or(path);
        let candidates = [path.to_path_buf(), mount.join(below)];
        let is_absolute = path.is_absolute();
        // A relative path is never one below the current folder.
        let mut folders = candidates.into_iter().skip(usize::from(!is_absolute));
        match folders.find(|folder| is_cgroup(folder)) {
            Some(folder) => Ok(Self { folder, mount }),
            None if is_absolute && path.is_dir() => {
                bail!("{} is not a cgroup of version 2", shown(path.as_os_str()))
            }
            None => bail!(
                "{}: no such cgroup in {}",
                shown(path.as_os_str()),
                mount.display()
            ),
        }
    }

    /// Finds the cgroup of the systemd unit `name`. Without an ending, it is a service.
    ///
    /// Fails if several cgroups have that name, for example that of the same service in a container.
    pub fn of_unit(name: &OsStr) -> Result<Self> {
        let mount = mount_folder()?;
        let unit = with_ending(name);
        let found = folders_of_unit(&mount, &unit);
        match found.as_slice() {
            [folder] => Ok(Self {
                folder: folder.clone(),
                mount,
            }),
            [] => bail!(
                "{}: no cgroup of this unit in {}; is the unit running?",
                shown(&unit),
                mount.display()
            ),
            several => {
                let several: Vec<_> = several.iter().map(|one| shown(one.as_os_str())).collect();
                bail!(
                    "{} is the unit of several cgroups; select one with --cgroup: {}",
                    shown(&unit),
                    several.join(", ")
                )
            }
        }
    }

    /// Returns the processes in this cgroup and in those below it, in ascending order. Processes
    /// that are not visible in this PID namespace are left out.
    pub fn processes(&self) -> Result<Vec<u32>> {
        let mut pids = BTreeSet::new();
        read_processes(&self.folder, &mut pids).map_err(|error| {
            let name = shown(self.folder.as_os_str());
            match error.raw_os_error().map(Errno::from_raw) {
                Some(Errno::EOPNOTSUPP) => {
                    anyhow!("{name} is a threaded cgroup: select the one above it")
                }
                _ => anyhow!("{name}: {}", os_error_text(&error)),
            }
        })?;
        Ok(pids.into_iter().collect())
    }
}

/// Adds the processes in and below a folder. Cgroups below it may be removed meanwhile; those of a
/// threaded cgroup are processes of the one above.
fn read_processes(folder: &Path, pids: &mut BTreeSet<u32>) -> io::Result<()> {
    let list = fs::read_to_string(folder.join("cgroup.procs"))?;
    // 0 is a process of another PID namespace.
    let visible = list.lines().filter_map(|line| line.parse::<u32>().ok());
    pids.extend(visible.filter(|pid| *pid != 0));
    for each in folders_in(folder) {
        let _ = read_processes(&each, pids);
    }
    Ok(())
}

/// Returns the folders below `mount` that a unit has, but none below those.
fn folders_of_unit(mount: &Path, unit: &OsStr) -> Vec<PathBuf> {
    let names = folder_names(unit);
    let mut found = Vec::new();
    find_below(mount, &mut |folder| {
        let name = folder.file_name().unwrap_or_default();
        let is_found = names.iter().any(|one| one == name);
        if is_found {
            found.push(folder.to_path_buf());
        }
        !is_found
    });
    found
}

/// Calls `visit` for each folder below `folder`. It returns whether to go on below that one.
fn find_below(folder: &Path, visit: &mut impl FnMut(&Path) -> bool) {
    for each in folders_in(folder) {
        if visit(&each) {
            find_below(&each, visit);
        }
    }
}

/// Returns the folders in `folder`, sorted; none if it does not exist any more.
fn folders_in(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|of| of.is_dir()))
        .map(|entry| entry.path())
        .collect();
    folders.sort_unstable();
    folders
}

/// Appends `.service` to the name of a unit that has no ending.
fn with_ending(name: &OsStr) -> OsString {
    const ENDINGS: [&str; 6] = [".service", ".scope", ".slice", ".socket", ".mount", ".swap"];
    let bytes = name.as_bytes();
    let mut unit = name.to_os_string();
    if !ENDINGS.iter().any(|end| bytes.ends_with(end.as_bytes())) {
        unit.push(".service");
    }
    unit
}

/// Returns the names that the folder of a unit can have. systemd puts `_` before a name that could
/// be that of a file of the kernel, such as `memory.service`.
fn folder_names(unit: &OsStr) -> [OsString; 2] {
    let mut escaped = OsString::from("_");
    escaped.push(unit);
    [unit.to_os_string(), escaped]
}

fn is_cgroup(folder: &Path) -> bool {
    folder.is_dir() && statfs(folder).is_ok_and(|of| of.filesystem_type() == CGROUP2_SUPER_MAGIC)
}

/// Returns the folder at which cgroups of version 2 are mounted.
fn mount_folder() -> Result<PathBuf> {
    // A mount point is any sequence of bytes.
    let mounts = fs::read("/proc/self/mountinfo").unwrap_or_default();
    mount_point(&mounts).ok_or_else(|| {
        anyhow!("cgroups of version 2 are not mounted: run `mount -t cgroup2 none /sys/fs/cgroup`")
    })
}

/// Returns the first mount point of a cgroup2 file system in the text of /proc/PID/mountinfo.
fn mount_point(mounts: &[u8]) -> Option<PathBuf> {
    mounts.split(|byte| *byte == b'\n').find_map(|line| {
        let mut fields = line.split(|byte| *byte == b' ');
        let point = fields.nth(4)?;
        // The type follows the first lone hyphen, after a variable number of fields.
        let kind = fields.skip_while(|field| *field != b"-").nth(1)?;
        (kind == b"cgroup2").then(|| PathBuf::from(OsString::from_vec(unescaped(point))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_units() {
        let full = |name: &str| with_ending(name.as_ref()).into_string().unwrap();
        assert_eq!(full("nginx"), "nginx.service");
        assert_eq!(full("nginx.service"), "nginx.service");
        assert_eq!(full("user.slice"), "user.slice");
        assert_eq!(full("session-1.scope"), "session-1.scope");
        assert_eq!(full("app.v2"), "app.v2.service");
        assert_eq!(folder_names("cpu.service".as_ref())[1], "_cpu.service");
    }

    #[test]
    fn mount_points() {
        let text = b"\
24 1 0:22 / /sys rw - sysfs sysfs rw
25 24 0:23 / /sys/fs/cgroup ro,nosuid shared:9 - tmpfs tmpfs rw
26 25 0:24 / /sys/fs/cgroup/a\\040b rw shared:10 master:1 - cgroup2 cgroup2 rw,nsdelegate
27 24 0:24 / /other rw - cgroup2 cgroup2 rw
";
        assert_eq!(mount_point(text).unwrap(), Path::new("/sys/fs/cgroup/a b"));
        assert_eq!(mount_point(b"24 1 0:22 / /sys rw - sysfs sysfs rw\n"), None);
        assert_eq!(mount_point(b"\n24 1\n"), None);
    }

    #[test]
    fn folders_of_a_unit_and_their_processes() {
        let place = tempfile::tempdir().unwrap();
        let folder = |path: &str, procs: &str| {
            let folder = place.path().join(path);
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join("cgroup.procs"), procs).unwrap();
        };
        folder("", "");
        folder("system.slice", "7\n");
        folder("system.slice/a.service", "30\n0\n");
        folder("system.slice/a.service/worker", "4\n30\n");
        folder("machine.slice/m/system.slice/_a.service", "");
        fs::create_dir(place.path().join("removed")).unwrap();
        let found = folders_of_unit(place.path(), "a.service".as_ref());
        let expected = [
            "machine.slice/m/system.slice/_a.service",
            "system.slice/a.service",
        ];
        assert_eq!(found, expected.map(|path| place.path().join(path)));
        let processes = |path: &str| {
            let cgroup = Cgroup {
                folder: place.path().join(path),
                mount: place.path().to_path_buf(),
            };
            cgroup.processes()
        };
        assert_eq!(processes("system.slice").unwrap(), [4, 7, 30]);
        assert!(processes("system.slice/none").is_err());
        let unit = |path: &str| {
            let cgroup = Cgroup {
                folder: place.path().join(path),
                mount: place.path().to_path_buf(),
            };
            assert_eq!(cgroup.below_mount(), Path::new(path));
            cgroup.unit()
        };
        assert_eq!(unit("system.slice/_a.service"), Some("a.service".into()));
        assert_eq!(unit("system.slice/a.service/worker"), None);
    }
}
