import type { Database, Statement } from "../database.ts";

/** The kinds of edges, by their numbers. */
export const KINDS = ["config", "layer", "manifest", "subject", "opaque"] as const;
const SUBJECT = KINDS.indexOf("subject");

/** Every statement of the catalog. Ids are integers, digests packed, times in milliseconds. */
const SQL = {
  setting: "SELECT value FROM settings WHERE key = ?",
  setSetting: "INSERT OR REPLACE INTO settings VALUES (?, ?)",
  lease: "SELECT epoch, until FROM leases WHERE name = ?",
  setLease: "INSERT OR REPLACE INTO leases VALUES (?, ?, ?)",

  digestId: "SELECT id FROM digests WHERE digest = ?",
  digest: "SELECT digest FROM digests WHERE id = ?",
  addDigest: "INSERT INTO digests (digest) VALUES (?)",
  digestsBetween: "SELECT id FROM digests WHERE digest BETWEEN ? AND ?",
  repositoryId: "SELECT id FROM repositories WHERE name = ?",
  repository: "SELECT name FROM repositories WHERE id = ?",
  addRepository: "INSERT INTO repositories (name) VALUES (?)",
  repositories: `SELECT name FROM repositories r WHERE name > ? AND EXISTS (SELECT 1 FROM members WHERE repository = r.id)
    ORDER BY name LIMIT ?`,
  typeId: "SELECT id FROM types WHERE name = ?",
  type: "SELECT name FROM types WHERE id = ?",
  addType: "INSERT INTO types (name) VALUES (?)",

  blob: "SELECT size, generation, since FROM blobs WHERE id = ?",
  setBlob: "INSERT OR REPLACE INTO blobs VALUES (@id, @size, @generation, @since)",
  blobsAfter: "SELECT id, size, generation FROM blobs WHERE id > ? ORDER BY id LIMIT ?",
  touch: "UPDATE blobs SET since = ? WHERE id = ?",
  dropBlob: "DELETE FROM blobs WHERE id = ?",

  condemned: "SELECT * FROM condemned WHERE id = ?",
  condemnedAfter: "SELECT * FROM condemned WHERE id > ? ORDER BY id LIMIT ?",
  condemnedBy: "SELECT id FROM condemned WHERE run = ? ORDER BY id",
  sumOfRun: "SELECT count(*) AS content, coalesce(sum(size), 0) AS bytes FROM condemned WHERE run = ?",
  addCondemned: "INSERT INTO condemned VALUES (@id, @size, @generation, @isManifest, @run, @until, @mark, 0)",
  dropCondemned: "DELETE FROM condemned WHERE id = ?",
  setPurging: "UPDATE condemned SET purging = 1 WHERE id = ?",
  /** What came to be named again, perhaps. */
  condemnedInQueue: "SELECT id FROM queue JOIN condemned USING (id)",
  isDue: "SELECT 1 FROM condemned WHERE until <= @due AND (@run IS NULL OR run = @run) LIMIT 1",
  /** Manifests come first, and what came later before what came earlier: so most that name something come before it. */
  due: `SELECT is_manifest, id FROM condemned WHERE (is_manifest, id) < (@isManifest, @id) AND until <= @due
    AND (@run IS NULL OR run = @run) ORDER BY is_manifest DESC, id DESC LIMIT @limit`,
  isNamedByCondemned: `SELECT 1 FROM edges e JOIN condemned c ON c.id = e.manifest
    WHERE e.target = ? AND e.kind <> ${SUBJECT} AND c.is_manifest = 1 LIMIT 1`,
  readers: "SELECT repository, member FROM readers WHERE id = ?",
  reader: "SELECT member FROM readers WHERE id = ? AND repository = ?",
  addReader: `INSERT INTO readers VALUES (?, ?, ?)
    ON CONFLICT DO UPDATE SET member = coalesce(excluded.member, member)`,
  /** Who could read what a run took out: the manifests, and what they name. */
  takenBy: `SELECT repository, member FROM run_members WHERE target = @id AND run = @run AND gone = 1
    UNION ALL SELECT r.repository, NULL FROM edges e JOIN run_members r ON r.target = e.manifest
      WHERE e.target = @id AND e.kind <> ${SUBJECT} AND r.run = @run AND r.gone = 1`,

  manifest: "SELECT media_type, artifact_type, annotations, pushed FROM manifests WHERE id = ?",
  addManifest: "INSERT INTO manifests VALUES (@id, @mediaType, @artifactType, @annotations, @pushed)",
  setPushed: "UPDATE manifests SET pushed = ? WHERE id = ?",
  setManifest:
    "UPDATE manifests SET media_type = @mediaType, artifact_type = @artifactType, annotations = @annotations WHERE id = @id",
  manifestsAfter: "SELECT id FROM manifests WHERE id > ? ORDER BY id LIMIT ?",
  dropEdges: "DELETE FROM edges WHERE manifest = ?",
  dropManifest: "DELETE FROM manifests WHERE id = ?",
  addEdge: "INSERT INTO edges VALUES (@manifest, @place, @target, @kind, @optional, @mediaType, @size)",
  edges: "SELECT target, kind, optional, media_type, size FROM edges WHERE manifest = ? ORDER BY place",
  content: `SELECT target AS id FROM edges WHERE manifest = ? AND kind <> ${SUBJECT}`,
  targets: "SELECT target AS id FROM edges WHERE manifest = ?",

  member: "SELECT own, pushed, absent FROM members WHERE repository = ? AND manifest = ?",
  setMember: `INSERT INTO members VALUES (@repository, @manifest, @own, @pushed, @absent)
    ON CONFLICT DO UPDATE SET own = excluded.own, pushed = excluded.pushed, absent = excluded.absent`,
  setOwn: "UPDATE members SET own = ? WHERE repository = ? AND manifest = ?",
  dropMember: "DELETE FROM members WHERE repository = ? AND manifest = ?",
  membersOf: "SELECT repository FROM members WHERE manifest = ?",
  membersAfter: `SELECT repository, manifest, pushed FROM members WHERE (repository, manifest) > (?, ?)
    ORDER BY repository, manifest LIMIT ?`,

  /** In the order of the index, a page at a time. */
  contentParents: `SELECT e.kind, e.manifest AS id FROM edges e JOIN members m ON m.manifest = e.manifest AND m.repository = @repository
    WHERE e.target = @id AND (e.kind, e.manifest) > (@kind, @after) AND e.kind <> ${SUBJECT} ORDER BY e.kind, e.manifest LIMIT @limit`,
  isContent: `SELECT 1 FROM edges e JOIN members m ON m.manifest = e.manifest AND m.repository = @repository
    WHERE e.target = @id AND e.kind <> ${SUBJECT} LIMIT 1`,
  isNamed: "SELECT 1 FROM edges e JOIN members m ON m.manifest = e.manifest WHERE e.target = ? LIMIT 1",
  naming: `SELECT kind, manifest AS id FROM edges WHERE target = @id AND (kind, manifest) > (@kind, @after)
    ORDER BY kind, manifest LIMIT @limit`,
  subjects: `SELECT e.target AS id FROM edges e JOIN members m ON m.manifest = e.target AND m.repository = @repository
    WHERE e.manifest = @id AND e.kind = ${SUBJECT}`,
  referrers: "SELECT manifest AS id FROM referrers WHERE repository = @repository AND subject = @id ORDER BY digest",
  dropReferrers: "DELETE FROM referrers WHERE manifest = ?",
  isListedReferrer: "SELECT 1 FROM referrers WHERE repository = ? AND subject = ? AND manifest = ?",
  refersTo: `SELECT 1 FROM edges WHERE manifest = ? AND target = ? AND kind = ${SUBJECT}`,
  addReferrer: "INSERT OR REPLACE INTO referrers VALUES (@repository, @subject, @digest, @manifest, @artifactType)",
  referrersAfter: `SELECT manifest AS id, digest FROM referrers
    WHERE repository = @repository AND subject = @id AND digest > @after ORDER BY digest LIMIT @limit`,
  referrersOfType: `SELECT manifest AS id, digest FROM referrers
    WHERE repository = @repository AND subject = @id AND artifact_type = @type AND digest > @after ORDER BY digest LIMIT @limit`,

  tag: "SELECT manifest AS id FROM tags WHERE repository = ? AND name = ?",
  setTag: "INSERT OR REPLACE INTO tags VALUES (?, ?, ?)",
  dropTag: "DELETE FROM tags WHERE repository = ? AND name = ?",
  tagsOn: "SELECT name FROM tags WHERE manifest = @id AND repository = @repository ORDER BY name",
  tagsAfter: "SELECT name, manifest AS id FROM tags WHERE repository = ? AND name > ? ORDER BY name LIMIT ?",
  allTags:
    "SELECT repository, name, manifest AS id FROM tags WHERE (repository, name) > (?, ?) ORDER BY repository, name LIMIT ?",

  pin: "SELECT target AS id, until FROM pins WHERE repository = ? AND name = ?",
  setPin: "INSERT OR REPLACE INTO pins VALUES (?, ?, ?, ?)",
  dropPin: "DELETE FROM pins WHERE repository = ? AND name = ?",
  pins: "SELECT name, target AS id, until FROM pins WHERE repository = ? ORDER BY name",
  pinsOn:
    "SELECT repository, name, until FROM pins WHERE target = ? AND (until IS NULL OR until > ?) ORDER BY repository, name",
  held: `SELECT repository, target AS id FROM pins WHERE until IS NULL OR until > @now
    UNION SELECT c.repository, c.target FROM claims c JOIN owners o ON o.id = c.owner WHERE o.until > @now`,

  owner: "SELECT id, until FROM owners WHERE name = ?",
  addOwner: "INSERT INTO owners (name, until) VALUES (?, ?)",
  setOwner: "UPDATE owners SET until = ? WHERE id = ?",
  dropOwner: "DELETE FROM owners WHERE id = ?",
  dropOwnersUntil: "DELETE FROM owners WHERE until <= ?",
  addClaim: "INSERT OR IGNORE INTO claims VALUES (?, ?, ?)",
  claimsBy: "SELECT DISTINCT target AS id FROM claims WHERE owner = ?",
  claimsOn: `SELECT c.repository, o.name, o.until FROM claims c JOIN owners o ON o.id = c.owner
    WHERE c.target = ? AND o.until > ? ORDER BY c.repository, o.name`,
  isClaimed: `SELECT 1 FROM claims c JOIN owners o ON o.id = c.owner
    WHERE c.target = ? AND c.repository = ? AND o.until > ? LIMIT 1`,
  unclaim: "DELETE FROM claims WHERE target = ? AND repository = ?",

  run: "SELECT at, until FROM runs WHERE run = ?",
  setRun: "INSERT INTO runs VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET until = max(until, excluded.until)",
  runs: "SELECT run, at, until FROM runs ORDER BY at DESC, run",
  dropRun: "DELETE FROM runs WHERE run = ?",
  /** Over, and nothing of it waits to be erased. */
  runsOver: `SELECT run FROM runs WHERE until <= @until AND (run = @ending OR at <= @before)
    AND NOT EXISTS (SELECT 1 FROM condemned WHERE condemned.run = runs.run)`,
  runTags: "SELECT repository, name, target AS id FROM run_tags WHERE run = ? ORDER BY repository, name",
  runTag: "SELECT 1 FROM run_tags WHERE run = ? AND repository = ? AND name = ? AND target = ?",
  addRunTag: "INSERT OR IGNORE INTO run_tags VALUES (?, ?, ?, ?)",
  runMembers:
    "SELECT repository, target AS id, gone, member FROM run_members WHERE run = ? ORDER BY repository, target",
  runMember: "SELECT 1 FROM run_members WHERE run = ? AND repository = ? AND target = ? AND gone = 1",
  addRunMember: `INSERT INTO run_members VALUES (@run, @repository, @id, @gone, @member)
    ON CONFLICT DO UPDATE SET gone = max(gone, excluded.gone)`,
  runAbsent: "SELECT target AS id FROM run_absent WHERE run = ?",
  addRunAbsent: "INSERT OR IGNORE INTO run_absent VALUES (?, ?)",

  enqueue: "INSERT INTO queue VALUES (?, ?, 0) ON CONFLICT DO UPDATE SET due = excluded.due, asleep = 0",
  sleep: "UPDATE queue SET asleep = ? WHERE id = ?",
  dequeue: "DELETE FROM queue WHERE id = ?",
  isQueued: "SELECT due FROM queue WHERE id = ?",
  candidates:
    "SELECT id, due FROM queue WHERE (due, id) > (@dueAfter, @idAfter) AND due <= @due AND asleep <= @now ORDER BY due, id LIMIT @limit",

  listing: "SELECT repository, changes, written, stamp, aside, fault FROM listing",
  addListing: "INSERT INTO listing VALUES (?, 1, 0, NULL, '[]', NULL)",
  setSeen: "UPDATE listing SET stamp = ?",
  setAside: "UPDATE listing SET aside = ?, fault = ?",
  setWritten: "UPDATE listing SET written = max(written, ?)",
  unsetWritten: "UPDATE listing SET changes = changes + 1",
  projections: "SELECT number, hash, at, changes, written, entries FROM projections ORDER BY number",
  projectionHeads: "SELECT number, hash, at, changes, written FROM projections ORDER BY number",
  lastProjection: "SELECT number, hash FROM projections ORDER BY number DESC LIMIT 1",
  lastWritten: "SELECT coalesce(max(number), 0) AS number FROM projections WHERE written = 1",
  addProjection: "INSERT INTO projections (hash, at, changes, written, entries) VALUES (?, ?, ?, ?, ?)",
  projectionWritten: "UPDATE projections SET written = 1 WHERE number = ?",
  /** Those before it that never came to be, and those that are too old to be written back. */
  dropProjections: "DELETE FROM projections WHERE number < @number AND (written = 0 OR number < @number - @kept)",
  ownMembers: `SELECT manifest AS id FROM members WHERE repository = ? AND own = 1`,
  /** Tags with what a listing shows of their manifests. */
  shownAfter: `SELECT t.name, t.manifest AS id, d.digest, m.media_type, m.artifact_type, coalesce(b.size, c.size) AS size
    FROM tags t JOIN digests d ON d.id = t.manifest JOIN manifests m ON m.id = t.manifest
    LEFT JOIN blobs b ON b.id = t.manifest LEFT JOIN condemned c ON c.id = t.manifest
    WHERE t.repository = ? AND t.name > ? ORDER BY t.name LIMIT ?`,
  referring: `SELECT DISTINCT r.manifest AS id FROM referrers r JOIN members s ON s.repository = r.repository AND s.manifest = r.subject
    WHERE r.repository = ?`,
} as const;

export type Statements = { readonly [name in keyof typeof SQL]: Statement };

/** Each is prepared when it is first used: there are many, and who only looks up a tag needs three. */
export function prepared(db: Database): Statements {
  const statements = {} as Record<keyof typeof SQL, Statement>;
  for (const name of Object.keys(SQL) as (keyof typeof SQL)[]) {
    Object.defineProperty(statements, name, {
      configurable: true,
      enumerable: true,
      get: () => {
        const value = db.prepare(SQL[name]);
        Object.defineProperty(statements, name, { value, enumerable: true });
        return value;
      },
    });
  }
  return statements;
}
