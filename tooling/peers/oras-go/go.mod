module ocistore/tooling/peers/oras-go

go 1.26.0

// The version of which the oras of ../go-peers.txt is built.
require oras.land/oras-go/v2 v2.7.0

require (
	github.com/opencontainers/go-digest v1.0.0
	github.com/opencontainers/image-spec v1.1.1
)

require golang.org/x/sync v0.24.0 // indirect
