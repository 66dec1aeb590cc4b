package pglocal

import (
	"context"
	"errors"
	"fmt"
	"net/url"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// URL is the address of a database of the cluster, for pgx and psql. It holds
// no secret.
func (c *Cluster) URL(db string) string {
	u := url.URL{Scheme: "postgres", Path: "/" + db}
	u.RawQuery = url.Values{"host": {c.socket}, "port": {port}, "user": {Superuser}}.Encode()
	return u.String()
}

// CreateDatabase creates the database unless it exists: UTF-8, ordered by code
// point.
func (c *Cluster) CreateDatabase(ctx context.Context, name string) error {
	return c.admin(ctx, func(conn *pgx.Conn) error {
		var exists bool
		err := conn.QueryRow(ctx, "SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name).Scan(&exists)
		if err != nil || exists {
			return err
		}
		_, err = conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()+" TEMPLATE template0 ENCODING 'UTF8'")
		// Somebody else may have been faster: then it exists, as wanted.
		if pg := (*pgconn.PgError)(nil); errors.As(err, &pg) && (pg.Code == "42P04" || pg.Code == "23505") {
			return nil
		}
		return err
	}, "create database "+name)
}

// DropDatabase drops the database if it exists and ends its connections.
func (c *Cluster) DropDatabase(ctx context.Context, name string) error {
	return c.admin(ctx, func(conn *pgx.Conn) error {
		_, err := conn.Exec(ctx, "DROP DATABASE IF EXISTS "+pgx.Identifier{name}.Sanitize()+" WITH (FORCE)")
		return err
	}, "drop database "+name)
}

func (c *Cluster) admin(ctx context.Context, do func(*pgx.Conn) error, what string) error {
	conn, err := pgx.Connect(ctx, c.URL(MaintenanceDB))
	if err == nil {
		err = do(conn)
		_ = conn.Close(context.WithoutCancel(ctx))
	}
	if err != nil {
		return fmt.Errorf("pglocal: %s: %w", what, err)
	}
	return nil
}
