use super::*;
use crate::engine::Program;
use std::fs;

const KEY: [i64; 2] = [0x1357_9bdf_0246_8ace, 0x7fee_ddcc_bbaa_9988];
const CONFIG: &str = "config vpnmonitor 'global'\n option recorder '1'\n\
    config vpn 'branch'\n option gateway 's2s'\n option monitor '1'\n";

/// An engine and its recorder in a folder of their own, joined as in the daemon.
struct Bench {
    folder: PathBuf,
    program: Program,
    engine: Engine,
    recorder: Recorder,
    /// What the engine was told of its recorder.
    told: Vec<(bool, i32)>,
}

impl Bench {
    fn new(name: &str) -> Bench {
        let name = format!("rekeyd-recorder-{name}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        let _ = fs::remove_dir_all(&folder);
        Bench::at(folder)
    }

    fn at(folder: PathBuf) -> Bench {
        let program = Program::load().unwrap();
        let engine = program.instantiate().unwrap();
        let recorder = Recorder::open(&folder);
        Bench { folder, program, engine, recorder, told: Vec::new() }
    }

    /// A daemon starts with this configuration.
    fn start(&mut self, config: &str) {
        self.engine = self.program.instantiate().unwrap();
        self.recorder.begin();
        self.feed(Input::Start { key: KEY, seed: 5, identifier: 6, utc_offset_s: 0 });
        let len = self.engine.write_input(&[b"file", config.as_bytes()]) - 4;
        self.feed(Input::Configure { path_len: 4, len, edited: false });
        self.recorder.settle();
    }

    fn command(&mut self, line: &str) {
        let len = self.engine.write_input(&[line.as_bytes()]);
        self.feed(Input::Command { client: 7, len });
    }

    fn feed(&mut self, input: Input) {
        let mut actions = Vec::new();
        let mut next = Some(input);
        while let Some(input) = next {
            if let Input::Recorder { on, errno } = input {
                self.told.push((on, errno));
            }
            let times = Times::now();
            self.recorder.input(&mut self.engine, input, times);
            if let Err(fault) = self.engine.feed(input, times, &mut actions) {
                let _ = self.recorder.trap(&fault).unwrap().unwrap();
                return;
            }
            self.recorder.actions(&mut self.engine, &actions);
            for action in &actions {
                if let Action::Recorder { on } = action {
                    self.recorder.ask(*on);
                }
            }
            next = self.recorder.mind(&mut self.engine);
        }
    }

    fn saved(&self) -> Vec<u8> {
        self.recorder.saved(b"").unwrap()
    }

    /// The kinds of all records; a segment begins with an `E`.
    fn kinds(&self) -> String {
        let kinds = records(&self.saved()).into_iter().map(|(kind, _)| kind);
        kinds.map(|kind| b" ESMPGRIAT"[kind as usize] as char).collect()
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Reads a recording as docs/recording.md has it.
fn records(mut bytes: &[u8]) -> Vec<(u8, Vec<u8>)> {
    let mut records = Vec::new();
    while !bytes.is_empty() {
        if let Some(rest) = bytes.strip_prefix(b"rekeyd-record-1\n") {
            bytes = rest;
        }
        let length = u32::from_le_bytes(bytes[4..8].try_into().unwrap()) as usize;
        records.push((bytes[0], bytes[8..8 + length].to_vec()));
        bytes = &bytes[8 + length + 4..];
    }
    records
}

fn holds(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

#[test]
fn a_recording_begins_with_the_start() {
    let mut bench = Bench::new("start");
    bench.start(CONFIG);
    assert_eq!(bench.told, [(true, 0)]);
    bench.feed(Input::Chores);
    assert_eq!(bench.kinds(), "ESAIAIAIA");
    let records = records(&bench.saved());
    let (head, start) = (&records[0].1, &records[1].1);
    assert_eq!(head[40..44], [0; 4]);
    assert_eq!(&head[44..], env!("REKEYD_VERSION").as_bytes());
    assert_eq!(start[..16], [5, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 0, 0, 0, 0]);
    assert_eq!(records[3].1[..12], [1, 0, 0, 0, 4, 0, 0, 0, CONFIG.len() as u8, 0, 0, 0]);
    assert!(records[3].1.ends_with(CONFIG.as_bytes()));
    for word in KEY {
        assert!(!holds(&bench.saved(), &word.to_le_bytes()));
    }
}

#[test]
fn without_the_option_nothing_is_written() {
    let mut bench = Bench::new("off");
    bench.start("config vpn 'branch'\n option gateway 's2s'\n");
    bench.feed(Input::Chores);
    assert!(bench.told.is_empty() && bench.saved().is_empty());
    assert_eq!(bench.recorder.buffer.capacity(), 0);
}

#[test]
fn a_recording_may_begin_later_and_end() {
    let mut bench = Bench::new("later");
    bench.start("");
    bench.command("record start");
    bench.command("get event");
    bench.command("record stop");
    bench.feed(Input::Chores);
    assert_eq!(bench.told, [(true, 0), (false, 0)]);
    let kinds = bench.kinds();
    let rest = kinds.trim_start_matches('E').trim_start_matches('M').trim_start_matches('P');
    assert_eq!(rest.trim_start_matches('G'), "RIAIAIA");

    // All of the memory but for zeros and the key, and all globals.
    let records = records(&bench.saved());
    let count = |kind| records.iter().filter(|record| record.0 == kind).count() as u32;
    let ready = &records.iter().find(|record| record.0 == 6).unwrap().1;
    assert_eq!(ready[16..20], count(4).to_le_bytes());
    assert_eq!(ready[20..24], count(5).to_le_bytes());
    assert!(count(5) > 50);
    let has = |name: &[u8]| records.iter().any(|(kind, global)| *kind == 5 && global[8..] == *name);
    assert!(has(b"assembly/random/state") && !has(b"assembly/icmp/token/key"));
    for word in KEY {
        assert!(!holds(&bench.saved(), &word.to_le_bytes()));
        assert!(holds(bench.engine.memory(), &word.to_le_bytes()));
    }
}

#[test]
fn the_ring_is_bounded_and_has_no_gap() {
    let mut bench = Bench::new("wrap");
    bench.start(CONFIG);
    let line = format!("get vpn {}", "x".repeat(1000));
    let size = || fs::metadata(bench.folder.join("ring-0")).unwrap().len();
    let empty = size();
    let mut turns = 0;
    let mut last = empty;
    for _ in 0..20_000 {
        bench.command(&line);
        let length = fs::metadata(bench.folder.join("ring-0")).unwrap().len();
        turns += u32::from(length < last);
        last = length;
        assert!(length < (4 << 20) + (1 << 20), "{length}");
    }
    assert!(turns >= 2, "{turns}");
    let heads: Vec<_> =
        records(&bench.saved()).into_iter().filter(|(kind, _)| *kind == 1).collect();
    assert_eq!(heads.len(), 2);
    let number = |i: usize| u32::from_le_bytes(heads[i].1[40..44].try_into().unwrap());
    assert_eq!(number(0) + 1, number(1));
    assert!(bench.saved().len() as u64 >= 4 << 20);
}

#[test]
fn a_new_recording_leaves_the_last_one_for_a_while() {
    let mut bench = Bench::new("again");
    bench.start(CONFIG);
    bench.command("record stop");
    bench.command("record start");
    assert!(bench.kinds().starts_with("ESAIAIAIAE"));
    // The daemon starts anew.
    let folder = bench.folder.clone();
    bench.recorder = Recorder::open(&folder.join("elsewhere"));
    bench.recorder = Recorder::open(&folder);
    assert_eq!(bench.kinds().matches('E').count(), 2);
    bench.start(CONFIG);
    assert!(bench.kinds().ends_with("ESAIAIA"));
    assert!(bench.kinds().contains('R'));
}

#[test]
fn files_that_are_cut_or_foreign_are_taken_for_empty() {
    let mut bench = Bench::new("cut");
    bench.start(CONFIG);
    let whole = fs::read(bench.folder.join("ring-0")).unwrap();
    let elsewhere = bench.folder.join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    for length in 0..record::NUMBER_END {
        fs::write(elsewhere.join("ring-0"), &whole[..length]).unwrap();
        assert_eq!(Recorder::open(&elsewhere).saved(b"").unwrap(), b"");
    }
    fs::write(elsewhere.join("ring-1"), vec![b'x'; 1000]).unwrap();
    assert_eq!(Recorder::open(&elsewhere).saved(b"").unwrap(), b"");
}

#[test]
fn a_trap_ends_the_recording_and_keeps_it() {
    let mut bench = Bench::new("trap");
    bench.start(CONFIG);
    bench.feed(Input::Command { client: 7, len: usize::MAX });
    assert_eq!(bench.kinds(), "ESAIAIAIT");
    let kept = fs::read(bench.folder.join("trap-first")).unwrap();
    assert_eq!(kept, bench.saved());
    let (_, trap) = records(&kept).pop().unwrap();
    assert_eq!(trap[0], 1);
    assert!(trap[4..].starts_with(b"assembly/index.ts:"));
    bench.feed(Input::Chores);
    assert_eq!(kept, bench.saved());
}

#[test]
fn of_many_traps_the_first_and_the_last_are_kept() {
    let mut bench = Bench::new("traps");
    let mut kept = Vec::new();
    for n in 0..4 {
        // A daemon that starts anew knows of the first one, too.
        if n == 2 {
            bench.recorder = Recorder::open(&bench.folder.join("elsewhere"));
            bench.recorder = Recorder::open(&bench.folder.clone());
        }
        bench.start(CONFIG);
        bench.feed(Input::Command { client: n, len: usize::MAX });
        kept.push(bench.saved());
        let file = |name: &str| fs::read(bench.folder.join(name)).unwrap();
        assert_eq!(file("trap-first"), kept[0]);
        assert_eq!(file("trap-last"), if n == 0 { &[][..] } else { &kept[n as usize][..] });
    }
    // Whoever has it empties it.
    fs::write(bench.folder.join("trap-first"), "").unwrap();
    bench.start(CONFIG);
    bench.feed(Input::Command { client: 9, len: usize::MAX });
    assert_eq!(fs::read(bench.folder.join("trap-first")).unwrap(), bench.saved());
    assert_eq!(fs::read(bench.folder.join("trap-last")).unwrap(), kept[3]);
}

#[test]
fn a_folder_that_cannot_be_had_is_told_when_it_matters() {
    let file = Bench::new("file");
    let path = file.folder.join("ring-0").join("no-folder");
    let mut bench = Bench::at(path);
    bench.start("");
    assert!(bench.told.is_empty());
    bench.command("record start");
    assert_eq!(bench.told, [(false, libc::ENOTDIR)]);
    assert!(bench.recorder.saved(b"").is_err());

    // Another daemon has it.
    let mut second = Bench::at(file.folder.clone());
    second.start(CONFIG);
    assert_eq!(second.told, [(false, libc::EAGAIN)]);
}

#[test]
fn a_full_disk_ends_the_recording_and_nothing_else() {
    let test = || {
        let mut bench = Bench::new("full");
        fs::create_dir_all(&bench.folder).unwrap();
        if !mount_tmpfs(&bench.folder, "256k") {
            return eprintln!("not tested: {}", io::Error::last_os_error());
        }
        bench.recorder = Recorder::open(&bench.folder.clone());
        bench.start(CONFIG);
        assert_eq!(bench.told, [(true, 0)]);
        for _ in 0..1000 {
            bench.command(&format!("get vpn {}", "x".repeat(1000)));
        }
        assert_eq!(bench.told, [(true, 0), (false, libc::ENOSPC)]);
        assert!(bench.saved().len() > 200 << 10);
        // A snapshot does not fit any more, which is told again.
        bench.command("record start");
        assert_eq!(bench.told.len(), 3);
        bench.command("get event");
    };
    std::thread::spawn(test).join().unwrap();
}

/// Mounts a small disk, for this thread alone.
fn mount_tmpfs(path: &Path, size: &str) -> bool {
    let text = |text: &str| std::ffi::CString::new(text).unwrap();
    let (root, tmpfs, options) = (text("/"), text("tmpfs"), text(&format!("size={size}")));
    let path = text(path.to_str().unwrap());
    let private = libc::MS_REC | libc::MS_PRIVATE;
    let none = std::ptr::null();
    // SAFETY: all strings outlive the calls, which concern this thread's mounts alone.
    unsafe {
        libc::unshare(libc::CLONE_NEWNS) == 0
            && libc::mount(none, root.as_ptr(), none, private, none.cast()) == 0
            && libc::mount(
                tmpfs.as_ptr(),
                path.as_ptr(),
                tmpfs.as_ptr(),
                0,
                options.as_ptr().cast(),
            ) == 0
    }
}
