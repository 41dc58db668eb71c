/**
 * The tables, version by version; a database of version n has had the first n of these. What is released never changes.
 *
 * Ids are integers, in place of digests, names of repositories and media types, so that edges are small and a walk along
 * them compares numbers. What a manifest names never changes: its row and its edges are written when it is first stored, and
 * go when its bytes have gone.
 */
export const MIGRATIONS: readonly string[] = [
  `
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE leases (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE repositories (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE types (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- Every digest that is stored or named.
CREATE TABLE digests (id INTEGER PRIMARY KEY, digest BLOB NOT NULL UNIQUE);

-- Bytes in use. The grace counts from since: the arrival, or the loss of the last reason to be kept.
CREATE TABLE blobs (id INTEGER PRIMARY KEY REFERENCES digests, size INTEGER NOT NULL, generation TEXT NOT NULL, since INTEGER NOT NULL);

-- Bytes out of use. A mark is never given twice; who has lifted it and set it again has set another one.
CREATE TABLE condemned (id INTEGER PRIMARY KEY REFERENCES digests, size INTEGER NOT NULL, generation TEXT NOT NULL,
  is_manifest INTEGER NOT NULL, run TEXT NOT NULL, until INTEGER NOT NULL, mark INTEGER NOT NULL UNIQUE, purging INTEGER NOT NULL DEFAULT 0);
CREATE INDEX condemned_by_run ON condemned (run, size);
CREATE INDEX condemned_by_time ON condemned (until, run);
CREATE INDEX condemned_by_order ON condemned (is_manifest, id);
-- The repositories that could read them, and so may have them back; and as what, if they were a manifest there.
CREATE TABLE readers (id INTEGER NOT NULL REFERENCES condemned ON DELETE CASCADE, repository INTEGER NOT NULL REFERENCES repositories,
  member TEXT, PRIMARY KEY (id, repository)) WITHOUT ROWID;

CREATE TABLE manifests (id INTEGER PRIMARY KEY REFERENCES digests, media_type INTEGER NOT NULL REFERENCES types,
  artifact_type INTEGER REFERENCES types, annotations TEXT, pushed INTEGER NOT NULL);
CREATE TABLE edges (manifest INTEGER NOT NULL REFERENCES manifests ON DELETE CASCADE, place INTEGER NOT NULL,
  target INTEGER NOT NULL REFERENCES digests, kind INTEGER NOT NULL, optional INTEGER NOT NULL, media_type INTEGER REFERENCES types,
  size INTEGER, PRIMARY KEY (manifest, place)) WITHOUT ROWID;
CREATE INDEX edges_by_target ON edges (target, kind, manifest);

CREATE TABLE members (repository INTEGER NOT NULL REFERENCES repositories, manifest INTEGER NOT NULL REFERENCES manifests,
  own INTEGER NOT NULL, pushed INTEGER NOT NULL, absent TEXT, PRIMARY KEY (repository, manifest)) WITHOUT ROWID;
CREATE INDEX members_by_manifest ON members (manifest, repository);
-- What refers to a subject, in the order of a listing. The subject need not be stored.
CREATE TABLE referrers (repository INTEGER NOT NULL, subject INTEGER NOT NULL, digest BLOB NOT NULL,
  manifest INTEGER NOT NULL, artifact_type INTEGER, PRIMARY KEY (repository, subject, digest),
  FOREIGN KEY (repository, manifest) REFERENCES members ON DELETE CASCADE) WITHOUT ROWID;
CREATE INDEX referrers_by_type ON referrers (repository, subject, artifact_type, digest);
CREATE INDEX referrers_by_manifest ON referrers (repository, manifest);

CREATE TABLE tags (repository INTEGER NOT NULL, name TEXT NOT NULL, manifest INTEGER NOT NULL, PRIMARY KEY (repository, name),
  FOREIGN KEY (repository, manifest) REFERENCES members) WITHOUT ROWID;
CREATE INDEX tags_by_manifest ON tags (manifest, repository);
CREATE TABLE pins (repository INTEGER NOT NULL REFERENCES repositories, name TEXT NOT NULL, target INTEGER NOT NULL REFERENCES digests,
  until INTEGER, PRIMARY KEY (repository, name)) WITHOUT ROWID;
CREATE INDEX pins_by_target ON pins (target);

CREATE TABLE owners (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, until INTEGER NOT NULL);
CREATE TABLE claims (target INTEGER NOT NULL REFERENCES digests, repository INTEGER NOT NULL REFERENCES repositories,
  owner INTEGER NOT NULL REFERENCES owners ON DELETE CASCADE, PRIMARY KEY (target, repository, owner)) WITHOUT ROWID;
CREATE INDEX claims_by_owner ON claims (owner);

CREATE TABLE runs (run TEXT PRIMARY KEY, at INTEGER NOT NULL, until INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE run_tags (run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, repository INTEGER NOT NULL REFERENCES repositories,
  name TEXT NOT NULL, target INTEGER NOT NULL REFERENCES digests, PRIMARY KEY (run, repository, name, target)) WITHOUT ROWID;
-- Manifests that went out of a repository, and those whose own mark went; each as it was. No member: it was none.
CREATE TABLE run_members (run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, repository INTEGER NOT NULL REFERENCES repositories,
  target INTEGER NOT NULL REFERENCES digests, gone INTEGER NOT NULL, member TEXT, PRIMARY KEY (run, repository, target)) WITHOUT ROWID;
CREATE TABLE run_absent (run TEXT NOT NULL REFERENCES runs ON DELETE CASCADE, target INTEGER NOT NULL REFERENCES digests,
  PRIMARY KEY (run, target)) WITHOUT ROWID;
CREATE INDEX run_tags_by_target ON run_tags (target);
CREATE INDEX run_members_by_target ON run_members (target);
CREATE INDEX run_absent_by_target ON run_absent (target);

-- What may have become garbage; since when, and until when something is known to keep it that ends by time.
CREATE TABLE queue (id INTEGER PRIMARY KEY REFERENCES digests, due INTEGER NOT NULL, asleep INTEGER NOT NULL DEFAULT 0);
CREATE INDEX queue_by_due ON queue (due);

-- The index.json that shows a repository to other tools, if one does: how often what it shows may have changed, and up to which of
-- these changes it is written; its stamp when it was last looked at; what of it cannot be taken in, and whether that forbids to take
-- anything away.
CREATE TABLE listing (repository INTEGER PRIMARY KEY REFERENCES repositories, changes INTEGER NOT NULL, written INTEGER NOT NULL,
  stamp TEXT, aside TEXT NOT NULL, fault TEXT);
-- What it has been, or was about to be: the last few, the entries of each sorted.
CREATE TABLE projections (number INTEGER PRIMARY KEY AUTOINCREMENT, hash TEXT NOT NULL, at INTEGER NOT NULL, changes INTEGER NOT NULL,
  written INTEGER NOT NULL, entries TEXT NOT NULL);
CREATE TRIGGER tag_set AFTER INSERT ON tags BEGIN
  UPDATE listing SET changes = changes + 1 WHERE repository = NEW.repository; END;
CREATE TRIGGER tag_dropped AFTER DELETE ON tags BEGIN
  UPDATE listing SET changes = changes + 1 WHERE repository = OLD.repository; END;
CREATE TRIGGER member_added AFTER INSERT ON members BEGIN
  UPDATE listing SET changes = changes + 1 WHERE repository = NEW.repository; END;
CREATE TRIGGER member_marked AFTER UPDATE OF own ON members WHEN NEW.own <> OLD.own BEGIN
  UPDATE listing SET changes = changes + 1 WHERE repository = NEW.repository; END;
CREATE TRIGGER member_dropped AFTER DELETE ON members BEGIN
  UPDATE listing SET changes = changes + 1 WHERE repository = OLD.repository; END;
`,
];
