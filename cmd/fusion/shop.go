package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/shopspring/decimal"

	"fusionsoft.ca/fusion/addons/fusion_woocommerce/woosim"
)

// shop is the simulated store of a data directory. What it sold, and what was
// written to it, is kept in a file there, so that the next start goes on with
// the same store.
type shop struct {
	*woosim.Server
	about shopFacts
	path  string
	lock  *os.File
	saved sync.Mutex
}

// shopFile is what the data directory keeps of a store.
type shopFile struct {
	About    shopFacts
	Snapshot json.RawMessage
}

// shopFacts are what is known of a store beside what its API shows.
type shopFacts struct {
	Digest      string // of the folder it was made from
	Folder      string // for people; "" is the store in the program
	Name        string
	Key, Secret string // of its REST API
	Address     string // host:port of the last time
	HPOS        bool

	Currency                   string
	Country, State             string // codes
	Street, Street2, City, Zip string
	TimeZone                   string
}

// shopOfFolder reads a folder with a recorded store; "" is the one in the
// program.
func shopOfFolder(folder string) (*woosim.Store, shopFacts, error) {
	about := shopFacts{Folder: folder, Name: "Boreal Home Care"}
	files := woosim.DefaultStore
	if folder != "" {
		abs, err := filepath.Abs(folder)
		if err != nil {
			return nil, about, err
		}
		about.Folder, about.Name = abs, "Demonstration Store"
		files = os.DirFS(abs)
		for _, need := range []string{"products.json", "orders.json", "settings_general.json"} {
			if _, err := fs.Stat(files, need); err != nil {
				return nil, about, fmt.Errorf("%s is no recorded store: %s cannot be read (%w)", folder, need, cause(err))
			}
		}
	}
	var err error
	if about.Digest, err = digest(files); err != nil {
		return nil, about, fmt.Errorf("reading the store %s: %w", folder, err)
	}
	store, err := woosim.Load(files)
	if err != nil {
		return nil, about, fmt.Errorf("%s is no recorded store: %w", folder, err)
	}
	about.Key, about.Secret = "ck_"+randomHex(20), "cs_"+randomHex(20)
	about.HPOS = store.HPOS()
	about.Currency = store.Setting("general", "woocommerce_currency")
	if about.Currency == "" {
		return nil, about, fmt.Errorf("%s is no recorded store: settings_general.json has no woocommerce_currency", folder)
	}
	about.Country, about.State, _ = strings.Cut(store.Setting("general", "woocommerce_default_country"), ":")
	about.Street = store.Setting("general", "woocommerce_store_address")
	about.Street2 = store.Setting("general", "woocommerce_store_address_2")
	about.City = store.Setting("general", "woocommerce_store_city")
	about.Zip = store.Setting("general", "woocommerce_store_postcode")
	about.TimeZone = store.Zone().String()
	return store, about, nil
}

// cause leaves away the path in front of an error of a file, which the message
// around it names in its own way.
func cause(err error) error {
	if pe, ok := errors.AsType[*fs.PathError](err); ok {
		return pe.Err
	}
	return err
}

func randomHex(n int) string {
	b := make([]byte, n)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}

// digest tells folders apart by the names and contents of their files.
func digest(files fs.FS) (string, error) {
	h := sha256.New()
	err := fs.WalkDir(files, ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(files, path)
		fmt.Fprintf(h, "%s %d\n", path, len(content))
		h.Write(content)
		return err
	})
	return hex.EncodeToString(h.Sum(nil)), err
}

// openShop opens the store of a data directory, or makes it from a folder, and
// lets it listen on a loopback port, the one it had when that is free.
func openShop(dataDir, folder string, log *slog.Logger) (_ *shop, err error) {
	dir := filepath.Join(dataDir, "store")
	s := &shop{path: filepath.Join(dir, "store.json")}
	sim, err := s.load(dir, folder, log)
	if err != nil {
		s.unlock()
		return nil, err
	}
	if s.Server, err = sim.Listen(s.about.Address); err != nil { // somebody else has it now
		if s.Server, err = sim.Listen(""); err != nil {
			s.unlock()
			return nil, err
		}
	}
	s.about.Address = strings.TrimPrefix(s.URL, "http://")
	if err := s.save(); err != nil {
		_ = s.close()
		return nil, err
	}
	return s, nil
}

func (s *shop) load(dir, folder string, log *slog.Logger) (*woosim.Sim, error) {
	// A bad folder is told before anything is made.
	var store *woosim.Store
	var fresh shopFacts
	content, err := os.ReadFile(s.path)
	known := err == nil
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if !known || folder != "" {
		if store, fresh, err = shopOfFolder(folder); err != nil {
			return nil, err
		}
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	if s.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600); err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(s.lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		return nil, fmt.Errorf("the store in %s is open in another fusion demo; stop that one, or choose another --data-dir", dir)
	}
	if !known {
		s.about = fresh
		return woosim.New(store, s.options(log)), nil
	}
	var file shopFile
	if err := json.Unmarshal(content, &file); err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", s.path, err)
	}
	s.about = file.About
	if store != nil && fresh.Digest != s.about.Digest {
		from := s.about.Folder
		if from == "" {
			from = "the store in the program"
		}
		return nil, fmt.Errorf("%s holds a shop made from %s, not from %s as it is now; choose another --data-dir, or leave --store away", filepath.Dir(dir), from, folder)
	}
	sim, err := woosim.Restore(file.Snapshot, s.options(log))
	if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", s.path, err)
	}
	return sim, nil
}

func (s *shop) options(log *slog.Logger) woosim.Options {
	return woosim.Options{
		Keys: []woosim.Key{{Key: s.about.Key, Secret: s.about.Secret, Permissions: "read_write", Role: "administrator"}},
		HPOS: s.about.HPOS, SiteName: s.about.Name, Seed: uint64(time.Now().UnixNano()), Logger: log,
		Written: func() {
			if err := s.save(); err != nil {
				log.Error("the store's state is not kept", "error", err.Error())
			}
		},
	}
}

// save writes the store's state; the file appears whole or not at all.
func (s *shop) save() error {
	s.saved.Lock()
	defer s.saved.Unlock()
	content, err := json.Marshal(shopFile{s.about, s.Snapshot()})
	if err != nil {
		return err
	}
	tmp := s.path + ".new"
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}
	return os.Rename(tmp, s.path)
}

// storeOrder is what the demonstration needs to know of an order of the store.
type storeOrder struct {
	Status, Currency string
	Lines            []struct {
		Product   int64 `json:"product_id"`
		Variation int64 `json:"variation_id"`
		Quantity  decimal.Decimal
	} `json:"line_items"`
}

// orders are those of the store, by id.
func (s *shop) orders() (map[int]storeOrder, error) {
	out := map[int]storeOrder{}
	for _, id := range s.OrderIDs("") {
		raw, err := s.Order(id)
		if err != nil {
			return nil, err
		}
		var o storeOrder
		if err := json.Unmarshal(raw, &o); err != nil {
			return nil, fmt.Errorf("order %d of the store: %w", id, err)
		}
		out[id] = o
	}
	return out, nil
}

// sell places an order in the store, and keeps it before anybody hears of it.
func (s *shop) sell() (id int, err error) {
	if id, err = s.PlaceOrder(woosim.NewOrder{}); err != nil {
		return 0, err
	}
	return id, s.save()
}

// tell delivers the webhooks that wait and tells of those nobody took.
func (s *shop) tell(ctx context.Context, log *slog.Logger) {
	for _, d := range s.Deliver(ctx) {
		if (d.Err != nil || d.Status >= 300) && ctx.Err() == nil {
			log.Warn("a webhook of the store was not taken", "topic", d.Topic, "id", d.ObjectID, "status", d.Status, "error", fmt.Sprint(d.Err))
		}
	}
}

func (s *shop) close() error {
	err := s.Close()
	err = errors.Join(err, s.save())
	s.unlock()
	return err
}

// unlock lets another program open the store.
func (s *shop) unlock() {
	if s.lock != nil {
		s.lock.Close()
		s.lock = nil
	}
}
