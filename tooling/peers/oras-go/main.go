// Does with oras-go what tooling/bench measures, in one process for each measurement:
//
//	oras-go resolve DIR TAG        opens the layout and resolves a tag
//	oras-go push DIR COUNT         pushes COUNT small manifests, each with a tag of its own
//	oras-go delete DIR TAG         deletes what a tag is on, with all that only it held
//	oras-go gc DIR                 collects
//	oras-go copy FROM TAG TO       copies an image with all that it names
//	oras-go blob DIR BYTES DIGEST  pushes a blob of made-up bytes from memory
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strconv"

	"github.com/opencontainers/go-digest"
	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

func main() {
	if err := run(context.Background(), os.Args[1], os.Args[2:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, verb string, args []string) error {
	store, err := oci.New(args[0])
	if err != nil {
		return err
	}
	switch verb {
	case "resolve":
		_, err = store.Resolve(ctx, args[1])
		return err
	case "push":
		count, err := strconv.Atoi(args[1])
		if err != nil {
			return err
		}
		return push(ctx, store, count)
	case "delete":
		target, err := store.Resolve(ctx, args[1])
		if err != nil {
			return err
		}
		return store.Delete(ctx, target)
	case "gc":
		return store.GC(ctx)
	case "copy":
		to, err := oci.New(args[2])
		if err != nil {
			return err
		}
		_, err = oras.Copy(ctx, store, args[1], to, args[1], oras.DefaultCopyOptions)
		return err
	case "blob":
		size, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil {
			return err
		}
		blob := ocispec.Descriptor{MediaType: "application/octet-stream", Digest: digest.Digest(args[2]), Size: size}
		return store.Push(ctx, blob, io.LimitReader(&madeUp{number: 0x00088b1f}, size))
	}
	return fmt.Errorf("unknown verb %q", verb)
}

// Each manifest has the empty config and no layer, and an annotation that makes it another one.
func push(ctx context.Context, store *oci.Store, count int) error {
	empty := ocispec.DescriptorEmptyJSON
	present, err := store.Exists(ctx, empty)
	if err != nil {
		return err
	}
	if !present {
		if err := store.Push(ctx, empty, bytes.NewReader(empty.Data)); err != nil {
			return err
		}
	}
	for number := 0; number < count; number++ {
		body := fmt.Sprintf(`{"schemaVersion":2,"mediaType":%q,"artifactType":"application/vnd.example.note","config":{"mediaType":%q,"digest":%q,"size":2},"layers":[],"annotations":{"number":"%d"}}`,
			ocispec.MediaTypeImageManifest, empty.MediaType, empty.Digest, number)
		manifest := content.NewDescriptorFromBytes(ocispec.MediaTypeImageManifest, []byte(body))
		if err := store.Push(ctx, manifest, bytes.NewReader([]byte(body))); err != nil {
			return err
		}
		if err := store.Tag(ctx, manifest, fmt.Sprintf("pushed-%d", number)); err != nil {
			return err
		}
	}
	return nil
}

// The bytes of tooling/bench/src/layout/made-up.ts: one piece of 256 KiB again and again, each time with its number in front.
type madeUp struct {
	piece  []byte
	number uint32
	rest   []byte
}

const pieceSize = 256 * 1024

func (m *madeUp) Read(into []byte) (int, error) {
	if m.piece == nil {
		m.piece = make([]byte, pieceSize)
		for at := range m.piece {
			m.piece[at] = byte(at*31 + at>>8)
		}
	}
	if len(m.rest) == 0 {
		for at := 0; at < 4; at++ {
			m.piece[at] = byte(m.number >> (8 * at))
		}
		m.number++
		m.rest = m.piece
	}
	taken := copy(into, m.rest)
	m.rest = m.rest[taken:]
	return taken, nil
}
