import type { Database, Statement } from "better-sqlite3";

const SCHEMA = `
CREATE TABLE IF NOT EXISTS meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS blobs (digest TEXT PRIMARY KEY, size INTEGER, generation TEXT, since INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS records (digest TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS edges (manifest TEXT, target TEXT, kind TEXT, PRIMARY KEY (manifest, target, kind)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS edges_by_target ON edges (target, manifest, kind);
CREATE TABLE IF NOT EXISTS members (repository TEXT, digest TEXT, own INTEGER, PRIMARY KEY (repository, digest)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS members_by_digest ON members (digest, repository);
CREATE TABLE IF NOT EXISTS tags (repository TEXT, name TEXT, digest TEXT, PRIMARY KEY (repository, name)) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS tags_by_digest ON tags (digest, repository);
CREATE TABLE IF NOT EXISTS pins (repository TEXT, name TEXT, digest TEXT, until INTEGER, PRIMARY KEY (repository, name)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS owners (owner TEXT PRIMARY KEY, until INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS claims (digest TEXT, repository TEXT, owner TEXT, PRIMARY KEY (digest, repository, owner)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS condemned (digest TEXT PRIMARY KEY, size INTEGER, generation TEXT, kind TEXT, run TEXT, until INTEGER,
  id TEXT, purging INTEGER) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS readers (digest TEXT, repository TEXT, member INTEGER, PRIMARY KEY (digest, repository)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS taken (run TEXT, repository TEXT, digest TEXT, PRIMARY KEY (run, repository, digest)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS runs (run TEXT PRIMARY KEY, body TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS leases (name TEXT PRIMARY KEY, epoch INTEGER, until INTEGER) WITHOUT ROWID;
`;

/** Every statement of the catalog; another SQL database would need another of these files, and its own transactions. */
const SQL = {
  getMeta: "SELECT value FROM meta WHERE key = ?",
  setMeta: "INSERT OR REPLACE INTO meta VALUES (?, ?)",

  blob: "SELECT * FROM blobs WHERE digest = ?",
  putBlob: "INSERT OR REPLACE INTO blobs VALUES (@digest, @size, @generation, @since)",
  touch: "UPDATE blobs SET since = ? WHERE digest = ?",
  dropBlob: "DELETE FROM blobs WHERE digest = ?",

  record: "SELECT body FROM records WHERE digest = ?",
  putRecord: "INSERT OR REPLACE INTO records VALUES (?, ?)",
  dropRecord: "DELETE FROM records WHERE digest = ?",
  putEdge: "INSERT OR IGNORE INTO edges VALUES (?, ?, ?)",
  dropEdges: "DELETE FROM edges WHERE manifest = ?",
  content: "SELECT target AS digest FROM edges WHERE manifest = ? AND kind <> 'subject'",

  member: "SELECT * FROM members WHERE repository = ? AND digest = ?",
  putMember: "INSERT OR REPLACE INTO members VALUES (?, ?, ?)",
  setOwn: "UPDATE members SET own = ? WHERE repository = ? AND digest = ?",
  dropMember: "DELETE FROM members WHERE repository = ? AND digest = ?",
  membersOf: "SELECT repository, digest FROM members WHERE digest = ?",
  membersLike: "SELECT digest FROM members WHERE repository = ? AND substr(digest, 1, length(@name)) = @name",
  allMembers: "SELECT * FROM members",
  repositories: `SELECT repository FROM (SELECT repository FROM members UNION SELECT repository FROM tags)
    WHERE repository > ? ORDER BY repository LIMIT ?`,

  contentParents: `SELECT m.repository, m.digest FROM edges e JOIN members m ON m.digest = e.manifest
    WHERE e.target = ? AND e.kind <> 'subject' AND m.repository = ?`,
  referrers: `SELECT m.repository, m.digest FROM edges e JOIN members m ON m.digest = e.manifest
    WHERE e.target = ? AND e.kind = 'subject' AND m.repository = ? AND m.digest > ? ORDER BY m.digest`,
  subjects: `SELECT m.repository, m.digest FROM edges e JOIN members m ON m.digest = e.target
    WHERE e.manifest = ? AND e.kind = 'subject' AND m.repository = ?`,
  naming: "SELECT m.repository, m.digest FROM edges e JOIN members m ON m.digest = e.manifest WHERE e.target = ?",
  refersTo: "SELECT 1 FROM edges WHERE manifest = ? AND target = ? AND kind = 'subject'",

  tag: "SELECT digest FROM tags WHERE repository = ? AND name = ?",
  putTag: "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
  dropTag: "DELETE FROM tags WHERE repository = ? AND name = ?",
  tagsOn: "SELECT name FROM tags WHERE digest = ? AND repository = ?",
  tags: "SELECT name, digest FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
  allTags: "SELECT * FROM tags",

  pin: "SELECT digest FROM pins WHERE repository = ? AND name = ?",
  putPin: "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)",
  dropPin: "DELETE FROM pins WHERE repository = ? AND name = ?",
  pins: "SELECT name, digest, until FROM pins WHERE repository = ? ORDER BY name",
  /** Pins and claims that have not run out: on a digest, or on any. */
  held: `SELECT repository, digest, 'pin' AS why, name FROM pins WHERE (@digest IS NULL OR digest = @digest)
      AND (until IS NULL OR until > @now)
    UNION ALL SELECT c.repository, c.digest, 'claim', c.owner FROM claims c JOIN owners o USING (owner)
      WHERE (@digest IS NULL OR c.digest = @digest) AND o.until > @now`,

  owner: "SELECT until FROM owners WHERE owner = ?",
  putOwner: "INSERT OR REPLACE INTO owners VALUES (?, ?)",
  dropOwner: "DELETE FROM owners WHERE owner = ?",
  putClaim: "INSERT OR IGNORE INTO claims VALUES (?, ?, ?)",
  claimsOf: "SELECT digest FROM claims WHERE owner = ?",
  dropClaims: "DELETE FROM claims WHERE owner = ?",
  unclaim: "DELETE FROM claims WHERE repository = ? AND digest = ?",

  condemned: "SELECT * FROM condemned WHERE digest = ?",
  allCondemned: "SELECT * FROM condemned ORDER BY digest",
  putCondemned: "INSERT INTO condemned VALUES (@digest, @size, @generation, @kind, @run, @until, @id, 0)",
  /** Due, and named by no manifest that is condemned itself and not gone yet. */
  purgeable: `SELECT * FROM condemned WHERE until <= @due AND (@run IS NULL OR run = @run) AND digest NOT IN
    (SELECT e.target FROM condemned c JOIN edges e ON e.manifest = c.digest WHERE c.kind = 'manifest' AND e.kind <> 'subject')
    LIMIT @limit`,
  markPurging: "UPDATE condemned SET purging = 1 WHERE digest = ?",
  dropCondemned: "DELETE FROM condemned WHERE digest = ?",
  reader: "SELECT member FROM readers WHERE digest = ? AND repository = ?",
  putReader: "INSERT INTO readers VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET member = max(member, excluded.member)",
  dropReaders: "DELETE FROM readers WHERE digest = ?",
  condemnedBy: "SELECT digest FROM condemned WHERE run = ?",
  run: "SELECT body FROM runs WHERE run = ?",
  putRun: "INSERT OR REPLACE INTO runs VALUES (?, ?)",
  dropRun: "DELETE FROM runs WHERE run = ?",
  allRuns: `SELECT r.run, r.body, count(c.digest) AS content, coalesce(sum(c.size), 0) AS bytes
    FROM runs r LEFT JOIN condemned c ON c.run = r.run GROUP BY r.run`,
  take: "INSERT OR IGNORE INTO taken VALUES (?, ?, ?)",
  takenBy: `SELECT repository, 1 AS member FROM taken WHERE run = @run AND digest = @digest
    UNION SELECT t.repository, 0 FROM taken t JOIN edges e ON e.manifest = t.digest
      WHERE t.run = @run AND e.target = @digest AND e.kind <> 'subject'`,

  lease: "SELECT epoch, until FROM leases WHERE name = ?",
  putLease: "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)",
} as const;

export type Statements = { readonly [name in keyof typeof SQL]: Statement<unknown[], unknown> };

export function prepared(db: Database): Statements {
  db.pragma("journal_mode = WAL");
  db.exec(SCHEMA);
  return Object.fromEntries(Object.entries(SQL).map(([name, sql]) => [name, db.prepare(sql)])) as unknown as Statements;
}
