#!/usr/bin/env bash
# make-real-images.sh DIR
# Part of ocistore; test/real-images.test.ts runs it with the small set of packages.
#
# Builds, without a container engine and without a registry, an OCI image layout at DIR/layout that holds
# real content: Debian packages as layers, put together by umoci, plus the things real registries hold.
#
#   base            amd64   one layer: Debian's essential packages (or $BASE_PACKAGES)
#   base-arm64      arm64   the same for arm64
#   web-amd64       amd64   base layer + nginx layer + site layer (the site layer is the same on both platforms)
#   web-arm64       arm64   likewise
#   cache           amd64   base layer (shared with web-amd64) + redis layer + a layer that only deletes (whiteouts)
#   cache-zstd      amd64   the same image with zstd layers: same config and diff ids, other blobs (where zstd is there)
#   web             index   web-amd64, web-arm64 and one buildx-like attestation manifest (unknown/unknown)
#   sha256-<hex>    index   the OCI 1.1 fallback "referrers tag" of the web index: an SPDX SBOM and a signature,
#                           both image manifests with `subject` and `artifactType`; they are listed, untagged,
#                           in index.json as well
#
# DIR/facts.json names every digest and size, for tests to compare with. DIR/key.pub verifies the signature; its
# throw-away private key, made at the first run, is DIR/key.pem. DIR/layout must not exist yet.
#
# Needs root (files of uid 0 in layers) and a Debian with: umoci skopeo jq openssl zstd apt dpkg tar.
#   apt-get install -y --no-install-recommends umoci skopeo jq openssl zstd
# Environment:
#   BASE_PACKAGES   default "?essential ca-certificates tzdata"
#   WEB_PACKAGES    default "nginx-light"            CACHE_PACKAGES  default "redis-server"
#   (small, 32 MiB: BASE_PACKAGES="base-files busybox-static" WEB_PACKAGES=jq CACHE_PACKAGES=sqlite3)
#   PLATFORMS       default "amd64 arm64"            SUITE           default: the running Debian's codename
#   SOURCE_DATE_EPOCH  default 1750000000: the time in all layers and configs. Same packages, same digests.
set -euo pipefail
export LC_ALL=C
OUT=${1:?usage: make-real-images.sh DIR}
: "${BASE_PACKAGES=?essential ca-certificates tzdata}" "${WEB_PACKAGES=nginx-light}" "${CACHE_PACKAGES=redis-server}"
: "${PLATFORMS=amd64 arm64}" "${SOURCE_DATE_EPOCH=1750000000}"
EPOCH=$SOURCE_DATE_EPOCH
CREATED=$(date -u -d "@$EPOCH" +%Y-%m-%dT%H:%M:%SZ)
for t in umoci skopeo jq openssl apt-get dpkg-deb tar sha256sum; do
  command -v "$t" >/dev/null || { echo "make-real-images: $t is missing (see the head of this file)" >&2; exit 2; }
done
[ "$(id -u)" = 0 ] || { echo "make-real-images: run as root" >&2; exit 2; }
mkdir -p "$OUT"; OUT=$(cd "$OUT" && pwd); L=$OUT/layout
[ ! -e "$L" ] || { echo "make-real-images: $L exists already" >&2; exit 2; }
W=$(mktemp -d); trap 'rm -rf "$W"' EXIT
say() { echo "make-real-images: $*" >&2; }

# ---- Debian packages, by apt with a state of its own per architecture (the machine's apt sources are used) ----
apt_for() { # arch, then apt-get's arguments
  local a=$1; shift
  apt-get -qq -y -o APT::Architecture="$a" -o APT::Architectures="$a" -o Dir::State="$W/$a/state" \
    -o Dir::State::status="$W/$a/status" -o Dir::Cache="$W/$a/cache" -o Dir::Log="$W/$a/log" -o Debug::NoLocking=1 \
    -o APT::Sandbox::User=root -o APT::Install-Recommends=false -o Acquire::Languages=none \
    -o APT::Get::List-Cleanup=false -o DPkg::Use-Pty=0 "$@"
}
prepare() { # arch
  mkdir -p "$W/$1"/{state/lists/partial,cache/archives/partial,log}; : > "$W/$1/status"
  apt_for "$1" update >/dev/null
}
# rootfs_of ARCH NAME PACKAGE...: download what these packages need on top of what went before, unpack it into
# $W/ARCH/NAME, and count it as installed from now on
rootfs_of() {
  local a=$1 n=$2 d p; shift 2; d=$W/$a/$n
  mkdir -p "$d/var/lib/dpkg/status.d"; rm -f "$W/$a"/cache/archives/*.deb
  apt_for "$a" --download-only install "$@" >/dev/null
  for p in "$W/$a"/cache/archives/*.deb; do
    [ -e "$p" ] || { echo "make-real-images: nothing to add for: $*" >&2; exit 1; }
    dpkg-deb --fsys-tarfile "$p" | tar -x -p -f - -C "$d" --numeric-owner \
      --exclude='./usr/share/doc/*/*' --exclude='./usr/share/man/*' --exclude='./usr/share/locale/*' \
      --exclude='./usr/share/info/*' --exclude='./usr/share/lintian/*'
    local pkg; pkg=$(dpkg-deb -f "$p" Package)
    { dpkg-deb -f "$p" | sed '/^Status:/d'; } > "$d/var/lib/dpkg/status.d/$pkg"
    { cat "$d/var/lib/dpkg/status.d/$pkg"; echo "Status: install ok installed"; echo; } >> "$W/$a/status"
  done
}
layer_tar() { # directory, tar file: sorted, one time, numeric root-owned ids as unpacked
  tar -c -f "$2" -C "$1" --sort=name --mtime="@$EPOCH" --clamp-mtime --numeric-owner --format=gnu .
}

# ---- images, by umoci ----
umoci init --layout "$L"
HIST=(--history.author make-real-images --history.created "$CREATED")
new_image() { # tag arch
  umoci new --image "$L:$1"
  umoci config --image "$L:$1" --no-history --os linux --architecture "$2" --created "$CREATED" --author make-real-images
}
add_layer() { # tag, tar file, created_by
  umoci raw add-layer --image "$L:$1" "${HIST[@]}" --history.created_by "$3" "$2"
  umoci config --image "$L:$1" --no-history --created "$CREATED"
}
set_config() { umoci config --image "$L:$1" --no-history --created "$CREATED" "${@:2}"; }

mkdir -p "$W/site/srv/www"
for i in 1 2 3; do echo "<!doctype html><title>page $i</title><h1>Hello, page $i</h1>" > "$W/site/srv/www/page$i.html"; done
layer_tar "$W/site" "$W/site.tar"

SUITE=${SUITE:-$(. /etc/os-release && echo "${VERSION_CODENAME:-stable}")}
first=
for a in $PLATFORMS; do
  : "${first:=$a}"
  say "$a: packages"
  prepare "$a"
  # shellcheck disable=SC2086
  rootfs_of "$a" base $BASE_PACKAGES
  mkdir -p "$W/$a"/base/{tmp,proc,sys,dev,run,root}; chmod 1777 "$W/$a/base/tmp"
  # what the maintainer scripts would have made: users, and a shell where the base is busybox alone
  if [ ! -e "$W/$a/base/etc/passwd" ]; then mkdir -p "$W/$a/base/etc"; printf 'root:x:0:0:root:/root:/bin/sh\nwww-data:x:33:33::/var/www:/usr/sbin/nologin\nredis:x:101:101::/var/lib/redis:/usr/sbin/nologin\n' > "$W/$a/base/etc/passwd"; printf 'root:x:0:\nwww-data:x:33:\nredis:x:101:\n' > "$W/$a/base/etc/group"; fi
  [ -e "$W/$a/base/bin/sh" ] || { mkdir -p "$W/$a/base/bin"; ln -s busybox "$W/$a/base/bin/sh"; }
  cp "$W/$a/status" "$W/$a/status.base"
  # shellcheck disable=SC2086
  rootfs_of "$a" web $WEB_PACKAGES
  layer_tar "$W/$a/base" "$W/$a/base.tar"; layer_tar "$W/$a/web" "$W/$a/web.tar"
  b=base; [ "$a" = "$first" ] || b=base-$a
  say "$a: images $b, web-$a"
  new_image "$b" "$a"; add_layer "$b" "$W/$a/base.tar" "debian $SUITE $a: $BASE_PACKAGES"
  set_config "$b" --config.cmd /bin/sh --config.env PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
  umoci tag --image "$L:$b" "web-$a"
  add_layer "web-$a" "$W/$a/web.tar" "debian $SUITE $a: $WEB_PACKAGES"
  add_layer "web-$a" "$W/site.tar" "COPY site /srv/www"
  set_config "web-$a" --clear config.cmd --config.entrypoint nginx --config.cmd -g --config.cmd "daemon off;" \
    --config.exposedports 80/tcp --config.workingdir /srv/www --config.label org.opencontainers.image.title=web
done

say "$first: image cache"
cp "$W/$first/status.base" "$W/$first/status"
# shellcheck disable=SC2086
rootfs_of "$first" cache $CACHE_PACKAGES
layer_tar "$W/$first/cache" "$W/$first/cache.tar"
mkdir -p "$W/wh/usr/share/zoneinfo" "$W/wh/etc"; : > "$W/wh/usr/share/.wh.zoneinfo"; rmdir "$W/wh/usr/share/zoneinfo"; : > "$W/wh/etc/.wh.issue"
layer_tar "$W/wh" "$W/wh.tar"
umoci tag --image "$L:base" cache
add_layer cache "$W/$first/cache.tar" "debian $SUITE $first: $CACHE_PACKAGES"
add_layer cache "$W/wh.tar" "RUN rm -rf /usr/share/zoneinfo /etc/issue"
set_config cache --config.user 101:101 --config.cmd redis-server --config.exposedports 6379/tcp --config.volume /var/lib/redis
# umoci's gc drops the configs and manifests of the steps in between
umoci gc --layout "$L"

# ---- index, attestation, referrers: plain JSON, content addressed ----
blob() { # file -> stores it, prints digest
  local h; h=$(sha256sum "$1" | cut -d' ' -f1); cp "$1" "$L/blobs/sha256/$h"; echo "sha256:$h"; }
path() { echo "$L/blobs/sha256/${1#sha256:}"; }
size() { stat -c %s "$(path "$1")"; }
tag_digest() { jq -r --arg t "$1" '.manifests[]|select(.annotations["org.opencontainers.image.ref.name"]==$t)|.digest' "$L/index.json"; }
add_to_index() { # descriptor JSON
  jq -c --argjson d "$1" '.manifests+=[$d]' "$L/index.json" > "$W/i" && cp "$W/i" "$L/index.json"; }
M=application/vnd.oci.image.manifest.v1+json; I=application/vnd.oci.image.index.v1+json
descr() { # digest mediaType [extra JSON]
  jq -cn --arg d "$1" --arg m "$2" --argjson s "$(size "$1")" --argjson x "${3:-{\}}" '{mediaType:$m,digest:$d,size:$s}+$x'; }

# umoci leaves mediaType out of the manifests (it is optional there); the tags keep theirs as made by umoci
plat='[]'
for a in $PLATFORMS; do
  x=$(jq -cn --arg a "$a" '{platform:({architecture:$a,os:"linux"}+(if $a=="arm64" then {variant:"v8"} else {} end))}')
  plat=$(jq -c --argjson d "$(descr "$(tag_digest "web-$a")" $M "$x")" '.+[$d]' <<<"$plat")
done
say "SBOM, attestation, signature, index"
sbom() { # arch: SPDX 2.3 of the packages in the base and web layers
  for f in "$W/$1"/base/var/lib/dpkg/status.d/* "$W/$1"/web/var/lib/dpkg/status.d/*; do
    awk -F': ' '/^(Package|Version|Source|Maintainer):/{v[$1]=substr($0,length($1)+3)} END{printf "%s\t%s\t%s\n",v["Package"],v["Version"],v["Maintainer"]}' "$f"
  done | sort -u | jq -cRn --arg a "$1" --arg c "$CREATED" --arg s "$SUITE" '{spdxVersion:"SPDX-2.3",dataLicense:"CC0-1.0",SPDXID:"SPDXRef-DOCUMENT",
    name:("web-"+$a),documentNamespace:("https://example.com/spdx/web-"+$a),creationInfo:{created:$c,creators:["Tool: make-real-images"]},
    packages:[inputs|split("\t")|{name:.[0],SPDXID:("SPDXRef-"+(.[0]|gsub("[^A-Za-z0-9.-]";"-"))),versionInfo:.[1],supplier:("Organization: "+.[2]),
      downloadLocation:"NOASSERTION",filesAnalyzed:false,externalRefs:[{referenceCategory:"PACKAGE-MANAGER",referenceType:"purl",referenceLocator:("pkg:deb/debian/"+.[0]+"@"+.[1]+"?arch="+$a+"&distro="+$s)}]}]}'; }
printf '{}' > "$W/empty"; EMPTY=$(blob "$W/empty")
EMPTYD=$(descr "$EMPTY" application/vnd.oci.empty.v1+json)
sbom "$first" > "$W/sbom.json"; SBOM=$(blob "$W/sbom.json")

# buildx-like attestation: an in-toto statement about web-$first
WEB1=$(tag_digest "web-$first")
jq -cn --arg d "${WEB1#sha256:}" --slurpfile p "$W/sbom.json" '{_type:"https://in-toto.io/Statement/v0.1",predicateType:"https://spdx.dev/Document",subject:[{name:"pkg:docker/web",digest:{sha256:$d}}],predicate:$p[0]}' > "$W/intoto"; INTOTO=$(blob "$W/intoto")
jq -cn --arg a "sha256:$(sha256sum < "$W/intoto" | cut -d' ' -f1)" '{architecture:"unknown",os:"unknown",config:{},rootfs:{type:"layers",diff_ids:[$a]}}' > "$W/attcfg"; ATTCFG=$(blob "$W/attcfg")
jq -cn --arg m $M --argjson c "$(descr "$ATTCFG" application/vnd.oci.image.config.v1+json)" --argjson l "$(descr "$INTOTO" application/vnd.in-toto+json '{"annotations":{"in-toto.io/predicate-type":"https://spdx.dev/Document"}}')" \
  '{schemaVersion:2,mediaType:$m,config:$c,layers:[$l]}' > "$W/att"; ATT=$(blob "$W/att")
plat=$(jq -c --argjson d "$(descr "$ATT" $M "$(jq -cn --arg d "$WEB1" '{platform:{architecture:"unknown",os:"unknown"},annotations:{"vnd.docker.reference.digest":$d,"vnd.docker.reference.type":"attestation-manifest"}}')")" '.+[$d]' <<<"$plat")
jq -cn --arg i $I --argjson m "$plat" --arg c "$CREATED" '{schemaVersion:2,mediaType:$i,manifests:$m,annotations:{"org.opencontainers.image.created":$c,"org.opencontainers.image.title":"web"}}' > "$W/webidx"
WEB=$(blob "$W/webidx"); WEBD=$(descr "$WEB" $I)
add_to_index "$(descr "$WEB" $I '{"annotations":{"org.opencontainers.image.ref.name":"web"}}')"

# referrer 1: the SBOM
jq -cn --arg m $M --argjson e "$EMPTYD" --argjson l "$(descr "$SBOM" application/spdx+json '{"annotations":{"org.opencontainers.image.title":"sbom.spdx.json"}}')" --argjson s "$WEBD" --arg c "$CREATED" \
  '{schemaVersion:2,mediaType:$m,artifactType:"application/spdx+json",config:$e,layers:[$l],subject:$s,annotations:{"org.opencontainers.image.created":$c}}' > "$W/ref1"; REF1=$(blob "$W/ref1")
# referrer 2: a cosign-like signature, really signed
[ -f "$OUT/key.pem" ] || openssl ecparam -name prime256v1 -genkey -noout -out "$OUT/key.pem" 2>/dev/null
openssl ec -in "$OUT/key.pem" -pubout -out "$OUT/key.pub" 2>/dev/null
jq -jcn --arg d "$WEB" '{critical:{identity:{"docker-reference":"example.com/web"},image:{"docker-manifest-digest":$d},type:"cosign container image signature"},optional:null}' > "$W/payload"; PAY=$(blob "$W/payload")
SIG=$(openssl dgst -sha256 -sign "$OUT/key.pem" "$W/payload" | base64 -w0)
jq -cn --arg m $M --argjson e "$EMPTYD" --argjson l "$(descr "$PAY" application/vnd.dev.cosign.simplesigning.v1+json "$(jq -cn --arg s "$SIG" '{annotations:{"dev.cosignproject.cosign/signature":$s}}')")" --argjson s "$WEBD" --arg c "$CREATED" \
  '{schemaVersion:2,mediaType:$m,artifactType:"application/vnd.dev.cosign.artifact.sig.v1+json",config:$e,layers:[$l],subject:$s,annotations:{"org.opencontainers.image.created":$c}}' > "$W/ref2"; REF2=$(blob "$W/ref2")
R1=$(descr "$REF1" $M "$(jq -c '{artifactType,annotations}' "$W/ref1")"); R2=$(descr "$REF2" $M "$(jq -c '{artifactType,annotations}' "$W/ref2")")
add_to_index "$R1"; add_to_index "$R2"
jq -cn --arg i $I --argjson a "$R1" --argjson b "$R2" '{schemaVersion:2,mediaType:$i,manifests:[$a,$b]}' > "$W/refidx"; REFI=$(blob "$W/refidx")
add_to_index "$(descr "$REFI" $I "$(jq -cn --arg t "${WEB/:/-}" '{annotations:{"org.opencontainers.image.ref.name":$t}}')")"

# the same image with zstd layers (no tool in Debian 12 writes these into a layout; zstd and jq do)
ZSTD=
if command -v zstd >/dev/null; then
  cp "$(path "$(tag_digest cache)")" "$W/zm"
  while read -r d; do
    gzip -dc "$(path "$d")" | zstd -q -T1 -6 > "$W/zl"; n=$(blob "$W/zl")
    jq -c --arg d "$d" --arg n "$n" --argjson s "$(size "$n")" '.layers|=map(if .digest==$d then {mediaType:"application/vnd.oci.image.layer.v1.tar+zstd",digest:$n,size:$s} else . end)' "$W/zm" > "$W/zm2"; mv "$W/zm2" "$W/zm"
  done < <(jq -r '.layers[].digest' "$W/zm")
  ZSTD=$(blob "$W/zm"); add_to_index "$(descr "$ZSTD" $M '{"annotations":{"org.opencontainers.image.ref.name":"cache-zstd"}}')"
fi

# ---- check everything: digests, reachability, shared base, signature ----
say "check"
for f in "$L"/blobs/sha256/*; do [ "$(sha256sum < "$f" | cut -d' ' -f1)" = "${f##*/}" ] || { echo "bad blob $f" >&2; exit 1; }; done
layers() { jq -r '.layers[].digest' "$(path "$(tag_digest "$1")")"; }
[ "$(layers "web-$first" | head -1)" = "$(layers cache | head -1)" ] || { echo "base layer not shared" >&2; exit 1; }
for t in $(jq -r '.manifests[].annotations["org.opencontainers.image.ref.name"]//empty' "$L/index.json"); do
  skopeo inspect --raw "oci:$L:$t" >/dev/null || { echo "skopeo cannot read $t" >&2; exit 1; }
done
echo "$SIG" | base64 -d > "$W/sig"; openssl dgst -sha256 -verify "$OUT/key.pub" -signature "$W/sig" "$W/payload" >/dev/null
jq -n --arg web "$WEB" --arg sbom "$REF1" --arg sig "$REF2" --arg refi "$REFI" --arg att "$ATT" --arg zstd "$ZSTD" \
  --argjson idx "$(cat "$L/index.json")" --arg shared "$(layers cache | head -1)" --arg site "$(layers "web-$first" | tail -1)" \
  --argjson blobs "$(for f in "$L"/blobs/sha256/*; do printf '{"digest":"sha256:%s","size":%s}\n' "${f##*/}" "$(stat -c %s "$f")"; done | jq -s .)" \
  '{tags:($idx.manifests|map(select(.annotations["org.opencontainers.image.ref.name"])|{key:.annotations["org.opencontainers.image.ref.name"],value:{digest,mediaType,size}})|from_entries),
    webIndex:$web,referrers:{subject:$web,sbom:$sbom,signature:$sig,fallbackIndex:$refi},attestation:$att,zstd:(if $zstd=="" then null else $zstd end),
    sharedBaseLayer:$shared,siteLayer:$site,blobCount:($blobs|length),blobBytes:($blobs|map(.size)|add),blobs:$blobs}' > "$OUT/facts.json"
say "done: $(jq -r '"\(.tags|length) tags, \(.blobCount) blobs, \(.blobBytes/1048576|floor) MiB"' "$OUT/facts.json") in $L"
