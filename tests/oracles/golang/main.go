// Command weaklink-oracle reads a weaklink log with the verifier of Go's own checksum database
// (golang.org/x/mod/sumdb): signed notes, tiles, inclusion and consistency. It shares no code with weaklink.
//
//	weaklink-oracle folder DIR VKEY [OLD_CHECKPOINT...]   every entry of a folder of tiles, and older checkpoints
//	weaklink-oracle proof FILE ENTRY VKEY                 one .tlog-proof file with its entry
//
// It prints what it checked and exits with 0, or with 1 and what is wrong.
package main

import (
	"bufio"
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

const height = 8
const width = 1 << height

func main() {
	var err error
	switch {
	case len(os.Args) >= 4 && os.Args[1] == "folder":
		err = folder(os.Args[2], os.Args[3], os.Args[4:])
	case len(os.Args) == 5 && os.Args[1] == "proof":
		err = proof(os.Args[2], os.Args[3], os.Args[4])
	default:
		err = fmt.Errorf("usage: weaklink-oracle folder DIR VKEY [OLD_CHECKPOINT...] | proof FILE ENTRY VKEY")
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "refused:", err)
		os.Exit(1)
	}
}

// open returns the tree of a checkpoint that the log's key signed.
func open(msg []byte, vkey string) (tlog.Tree, error) {
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		return tlog.Tree{}, err
	}
	opened, err := note.Open(msg, note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("the checkpoint is not three lines of %s", verifier.Name())
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	root, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(root) != tlog.HashSize {
		return tlog.Tree{}, fmt.Errorf("the root is not a hash")
	}
	tree := tlog.Tree{N: size}
	copy(tree.Hash[:], root)
	return tree, nil
}

// tiles reads a folder of C2SP tlog-tiles for tlog.TileHashReader, and keeps what it has read.
type tiles struct {
	dir  string
	held map[tlog.Tile][]byte
}

func (t *tiles) Height() int                     { return height }
func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}
func (t *tiles) path(tile tlog.Tile) string {
	return strings.Replace(tile.Path(), "tile/8/", "tile/", 1)
}
func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	var found [][]byte
	for _, tile := range wanted {
		data, known := t.held[tile]
		if !known {
			var err error
			if data, err = os.ReadFile(filepath.Join(t.dir, t.path(tile))); err != nil {
				return nil, err
			}
			t.held[tile] = data
		}
		found = append(found, data)
	}
	return found, nil
}

// bundle returns the entries of one entry bundle.
func (t *tiles) bundle(number int64, count int) ([][]byte, error) {
	tile := tlog.Tile{H: height, L: 0, N: number, W: count}
	path := strings.Replace(t.path(tile), "tile/0/", "tile/entries/", 1)
	data, err := os.ReadFile(filepath.Join(t.dir, path))
	if err != nil {
		return nil, err
	}
	var entries [][]byte
	for len(data) > 0 {
		if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
			return nil, fmt.Errorf("%s is cut off", path)
		}
		end := 2 + int(binary.BigEndian.Uint16(data))
		entries, data = append(entries, data[2:end]), data[end:]
	}
	if len(entries) != count {
		return nil, fmt.Errorf("%s holds %d entries, not %d", path, len(entries), count)
	}
	return entries, nil
}

func folder(dir, vkey string, older []string) error {
	msg, err := os.ReadFile(filepath.Join(dir, "checkpoint"))
	if err != nil {
		return err
	}
	tree, err := open(msg, vkey)
	if err != nil {
		return err
	}
	files := &tiles{dir: dir, held: map[tlog.Tile][]byte{}}
	reader := tlog.TileHashReader(tree, files)
	for first := int64(0); first < tree.N; first += width {
		count := int(min64(width, tree.N-first))
		entries, err := files.bundle(first/width, count)
		if err != nil {
			return err
		}
		for offset, entry := range entries {
			index := first + int64(offset)
			path, err := tlog.ProveRecord(tree.N, index, reader)
			if err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
			if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
				return fmt.Errorf("entry %d: %w", index, err)
			}
		}
	}
	for _, name := range older {
		if err := extends(name, vkey, tree, reader); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	fmt.Printf("%d entries and %d older checkpoints\n", tree.N, len(older))
	return nil
}

func extends(name, vkey string, tree tlog.Tree, reader tlog.HashReader) error {
	msg, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	old, err := open(msg, vkey)
	if err != nil {
		return err
	}
	path, err := tlog.ProveTree(tree.N, old.N, reader)
	if err != nil {
		return err
	}
	return tlog.CheckTree(path, tree.N, tree.Hash, old.N, old.Hash)
}

func proof(name, entryName, vkey string) error {
	raw, err := os.ReadFile(name)
	if err != nil {
		return err
	}
	entry, err := os.ReadFile(entryName)
	if err != nil {
		return err
	}
	head, msg, found := bytes.Cut(raw, []byte("\n\n"))
	lines := bufio.NewScanner(bytes.NewReader(head))
	if !found || !lines.Scan() || lines.Text() != "c2sp.org/tlog-proof@v1" {
		return fmt.Errorf("not a .tlog-proof file")
	}
	index, path := int64(-1), tlog.RecordProof{}
	for lines.Scan() {
		word, rest, _ := strings.Cut(lines.Text(), " ")
		switch {
		case word == "extra" && index < 0:
		case word == "index" && index < 0:
			if index, err = strconv.ParseInt(rest, 10, 64); err != nil {
				return err
			}
		default:
			hash, err := tlog.ParseHash(word)
			if err != nil {
				return err
			}
			path = append(path, hash)
		}
	}
	tree, err := open(msg, vkey)
	if err != nil {
		return err
	}
	if err := tlog.CheckRecord(path, tree.N, tree.Hash, index, tlog.RecordHash(entry)); err != nil {
		return err
	}
	fmt.Printf("entry %d of %d\n", index, tree.N)
	return nil
}

func min64(a, b int64) int64 {
	if a < b {
		return a
	}
	return b
}
