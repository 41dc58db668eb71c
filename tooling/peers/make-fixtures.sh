#!/usr/bin/env bash
# make-fixtures.sh [DIR]
# Has each peer write a small layout into DIR/PEER, ./fixtures unless given; what is there goes. fixtures/README.md says what
# is in them. Needs what install-peers.sh installs, and root. The same versions write the same digests; oras writes the
# entries of index.json in an order of its own each time.
set -euo pipefail
export LC_ALL=C
cd "$(dirname "$0")"
OUT=$(mkdir -p "${1:-fixtures}" && cd "${1:-fixtures}" && pwd)
while read -r program _ version; do
  case $program in '' | '#'*) continue ;; esac
  PATH=${XDG_CACHE_HOME:-$HOME/.cache}/ocistore-ci/peers/$program@$version:$PATH
done <go-peers.txt
W=/tmp/ocistore-fixtures.$$ # buildah wants no capitals
server=
trap '[ -z "$server" ] || kill "$server"; rm -rf "$W"' EXIT
mkdir "$W"; cd "$W"

TIME=2025-06-15T15:06:40Z # in everything that has a time
CREATED=org.opencontainers.image.created
SBOM=application/spdx+json
quiet() { "$@" >/dev/null 2>"$W/log" || { cat "$W/log" >&2; exit 1; }; }
skopeo() { quiet command skopeo --insecure-policy "$@"; }
fresh() { rm -rf "${OUT:?}/$1"; L=$OUT/$1; }
layer() { # name: one file in a tar
  mkdir -p "tree-$1"; echo "$1" >"tree-$1/$1"
  tar -c -f "$1.tar" -C "tree-$1" --mtime="$TIME" --owner=0 --group=0 --numeric-owner --format=ustar "$1"
}
for name in base amd64 arm64 other; do layer "$name"; done
echo '{"spdxVersion":"SPDX-2.3"}' >sbom.json
echo 'signed' >signature

image() { # layout, tag, architecture, layer
  quiet umoci new --image "$1:$2"
  quiet umoci config --image "$1:$2" --no-history --os linux --architecture "$3" --created "$TIME"
  for each in base "$4"; do
    quiet umoci raw add-layer --image "$1:$2" --history.created "$TIME" --history.created_by "$each" "$each.tar"
  done
  quiet umoci config --image "$1:$2" --no-history --created "$TIME"
}

# ---- what the others copy: `app`, an index of two platforms that share a layer, and `other`, an image with that layer ----
quiet umoci init --layout source
image source amd64 amd64 amd64
image source arm64 arm64 arm64
image source other amd64 other
quiet umoci gc --layout source
cp -r source plain
quiet oras manifest index create --oci-layout plain:app amd64 arm64

# ---- umoci: two tags, and the garbage of a step that led to the second ----
fresh umoci
quiet umoci init --layout "$L"
image "$L" v1 amd64 amd64
quiet umoci gc --layout "$L" # `umoci new` leaves the time of day in what comes before the first `config`
quiet umoci tag --image "$L:v1" v2
for user in 1:1 2:2; do quiet umoci config --image "$L:v2" --no-history --created "$TIME" --config.user $user; done

# ---- skopeo: an index, a name with slashes, and a tag that has moved ----
fresh skopeo
skopeo copy --all --preserve-digests oci:plain:app "oci:$L:app"
skopeo copy oci:plain:other "oci:$L:example.com/other:v1"
skopeo copy oci:plain:arm64 "oci:$L:moved"
skopeo copy oci:plain:other "oci:$L:moved"

# ---- buildah: an image of its own, an index of two, and a tag that has moved ----
fresh buildah
echo '{"default":[{"type":"insecureAcceptAnything"}]}' >policy.json
buildah() { quiet command buildah --root "$W/root" --runroot "$W/run" --storage-driver vfs "$@"; }
commit() { buildah commit --quiet --timestamp 0 --signature-policy policy.json "$1" "oci:$L:$2"; }
buildah from --name one scratch
buildah copy one tree-base/base /base
commit one moved
buildah copy one tree-other/other /other
commit one moved
buildah manifest create list
for arch in amd64 arm64; do buildah manifest add --os linux --arch "$arch" list "oci:$W/plain:$arch"; done
buildah manifest push --quiet --all --signature-policy policy.json list "oci:$L:list"
buildah rm one

# ---- oras: an index, referrers of it and of a child, an artifact, and a tag that has moved ----
fresh oras
oras() { quiet command oras "$@"; }
attach() { oras attach --oci-layout "$1" --artifact-type "$2" --annotation "$CREATED=$TIME" "$3"; }
push() { oras push --oci-layout "$1" --artifact-type text/note --annotation "$CREATED=$TIME" "$2"; }
oras cp --from-oci-layout plain:app --to-oci-layout "$L:app"
attach "$L:app" $SBOM sbom.json
attach "$L@$(jq -r '.manifests[] | select(.platform.architecture == "amd64").digest' "$L/index.json")" text/signature signature
push "$L:note,alias" sbom.json
push "$L:moved" signature
oras tag --oci-layout "$L:note" moved
rmdir "$L/ingest"

# ---- regctl: an index and an artifact, with a referrer each under a fallback tag ----
fresh regctl
regctl() { quiet command regctl "$@"; }
regctl image copy ocidir://plain:app "ocidir://$L:app"
regctl artifact put --artifact-type $SBOM --file sbom.json --subject "ocidir://$L:app"
regctl artifact put --artifact-type text/note --file signature "ocidir://$L:note"
regctl artifact put --artifact-type text/signature --file signature --subject "ocidir://$L:note"
jq -c --arg created "$CREATED" --arg time "$TIME" '.manifests[].annotations[$created] = $time' "$L/index.json" >index.json
cp index.json "$L/index.json"

# ---- crane: one name three times, for an index twice and for a child of it, and an image without a name ----
fresh crane
crane() { quiet command crane "$@"; }
mkdir registry
command crane registry serve --disk "$W/registry" --address 127.0.0.1:0 2>serve.log &
server=$!
until grep -q 'serving on port' serve.log; do sleep 0.1; done
R=127.0.0.1:$(sed -n 's/.*serving on port //p' serve.log)
crane push --index plain "$R/app:all"
for tag in app other; do
  digest=$(jq -r --arg t "$tag" '.manifests[] | select(.annotations["org.opencontainers.image.ref.name"] == $t).digest' plain/index.json)
  crane tag "$R/app@$digest" "$tag"
done
crane pull --format oci --annotate-ref "$R/app:app" "$L"
crane pull --format oci --annotate-ref "$R/app:app" "$L"
crane pull --format oci --annotate-ref --platform linux/amd64 "$R/app:app" "$L"
crane pull --format oci "$R/app:other" "$L"
sed "s/$R/registry.example/" "$L/index.json" >index.json
cp index.json "$L/index.json"

chmod -R u=rwX,go=rX "$OUT"
du -sb "$OUT"/*/ | sed "s|$OUT/||" >&2
