// Command weaklink-c2sp-oracle holds weaklink against other people's implementations of the C2SP log formats: torchwood
// and Tessera. It shares no code with weaklink.
//
//	weaklink-c2sp-oracle proof FILE ENTRY POLICY             torchwood: a .tlog-proof and its entry, by a tlog-policy
//	weaklink-c2sp-oracle fsck DIR VKEY                       Tessera's fsck: every entry and tile of a log in a folder
//	weaklink-c2sp-oracle keygen NAME                         a key of a log: the secret line, then the public one
//	weaklink-c2sp-oracle append DIR SKEY POLICY ENTRY...     entries into Tessera's own log, cosigned as the policy says
//
// It prints what it did and exits with 0, or with 1 and what is wrong.
package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"time"

	"filippo.io/torchwood"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// workers of fsck: each ends at the first tile that is wrong, and without any left it would wait for ever.
const workers = 64

const (
	quick    = 100 * time.Millisecond
	patience = 10 * time.Second
)

func main() {
	ctx, stop := context.WithTimeout(context.Background(), patience)
	defer stop()
	said, err := run(ctx, os.Args[1:])
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(said)
}

func run(ctx context.Context, words []string) (string, error) {
	switch {
	case len(words) == 4 && words[0] == "proof":
		return proof(words[1], words[2], words[3])
	case len(words) == 3 && words[0] == "fsck":
		return check(ctx, words[1], words[2])
	case len(words) == 2 && words[0] == "keygen":
		secret, public, err := note.GenerateKey(rand.Reader, words[1])
		return secret + "\n" + public, err
	case len(words) > 4 && words[0] == "append":
		return grow(ctx, words[1], words[2], words[3], words[4:])
	}
	return "", errors.New("usage: proof FILE ENTRY POLICY | fsck DIR VKEY | keygen NAME | append DIR SKEY POLICY ENTRY...")
}

func proof(file, entry, policyFile string) (string, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return "", err
	}
	leaf, err := os.ReadFile(entry)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return "", err
	}
	policy, err := torchwood.ParsePolicy(text)
	if err != nil {
		return "", err
	}
	return "proved", torchwood.VerifyProof(policy, tlog.RecordHash(leaf), raw)
}

func check(ctx context.Context, dir, vkey string) (string, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return "", err
	}
	files := &client.FileFetcher{Root: dir}
	return "sound", fsck.New(verifier.Name(), verifier, files, leafHashes, fsck.Opts{N: workers}).Check(ctx)
}

func leafHashes(raw []byte) ([][]byte, error) {
	bundle := &api.EntryBundle{}
	if err := bundle.UnmarshalText(raw); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(bundle.Entries))
	for _, entry := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func grow(ctx context.Context, dir, secret, policyFile string, entries []string) (string, error) {
	signer, err := note.NewSigner(secret)
	if err != nil {
		return "", err
	}
	text, err := os.ReadFile(policyFile)
	if err != nil {
		return "", err
	}
	witnesses, err := tessera.NewWitnessGroupFromPolicy(text)
	if err != nil {
		return "", err
	}
	driver, err := posix.New(ctx, posix.Config{Path: dir})
	if err != nil {
		return "", err
	}
	options := tessera.NewAppendOptions().WithCheckpointSigner(signer).WithCheckpointInterval(quick).
		WithBatching(uint(len(entries)), quick).WithWitnesses(witnesses, &tessera.WitnessOptions{Timeout: patience / 4})
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	if err != nil {
		return "", err
	}
	published := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, quick)
	futures := make([]tessera.IndexFuture, 0, len(entries))
	for _, entry := range entries {
		futures = append(futures, appender.Add(ctx, tessera.NewEntry([]byte(entry))))
	}
	for _, future := range futures {
		if _, _, err := published.Await(ctx, future); err != nil {
			return "", err
		}
	}
	checkpoint, err := reader.ReadCheckpoint(ctx)
	if err != nil {
		return "", err
	}
	return string(checkpoint), shutdown(ctx)
}
