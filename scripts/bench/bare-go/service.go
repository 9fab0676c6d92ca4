package main

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// Service: a login and, where there is one, the admin who changes it. A pair has another role, whose turn is next.
type Service struct {
	Kind     string `json:"kind"`
	Port     int    `json:"port"`
	User     string `json:"user"`
	Password string `json:"password"`
	Other    string `json:"other"`
	Admin    *Login `json:"admin"`
}

// Login is a user with a password.
type Login struct {
	User     string `json:"user"`
	Password string `json:"password"`
}

// rotate makes the logins and the changes of one rotation and its revoke, each answered as it should be: a wrong value is
// refused, the value of now accepted, the new one accepted, the old one refused, the new one accepted. What it leaves out:
// the questions before (rights, memberships, objects, limits), which our driver asks each time.
func (service *Service) rotate(value string) error {
	before := Login{service.User, service.Password}
	next := Login{service.User, value}
	if service.Other != "" {
		next.User = service.Other
	}
	if err := service.expect(Login{before.User, newValue()}, false); err != nil {
		return err
	}
	if err := service.expect(before, true); err != nil {
		return err
	}
	admin := before
	if service.Admin != nil {
		admin = *service.Admin
	}
	end, change, err := service.changes(admin)
	if err != nil {
		return err
	}
	defer end()
	if err := change(next, before, false); err != nil {
		return err
	}
	if err := service.expect(next, true); err != nil {
		return err
	}
	if service.Admin != nil {
		if err := change(next, before, true); err != nil {
			return err
		}
	}
	service.Password = value
	if service.Other != "" {
		service.User, service.Other = service.Other, service.User
	}
	if err := service.expect(before, false); err != nil {
		return err
	}
	return service.expect(next, true)
}

func (service *Service) expect(login Login, accepted bool) error {
	in, err := service.probe(login)
	if err == nil && in != accepted {
		return fmt.Errorf("a login at %s was answered wrongly", service.Kind)
	}
	return err
}

func (service *Service) probe(login Login) (bool, error) {
	if service.Kind == "redis" {
		connection, in, err := dialRedis(service.Port, login)
		if connection != nil {
			connection.Close()
		}
		return in, err
	}
	connection, err := dialPostgres(service.Port, login)
	var refused *pgconn.PgError
	if errors.As(err, &refused) && strings.HasPrefix(refused.Code, "28") {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	return true, connection.Close(context.Background())
}

// changes is one connection for all that the admin does in a rotation. `revokes`: the old value, or role, is taken away.
func (service *Service) changes(admin Login) (func(), func(next, before Login, revokes bool) error, error) {
	if service.Kind == "redis" {
		connection, in, err := dialRedis(service.Port, admin)
		if err == nil && !in {
			err = errors.New("the admin of Redis was refused")
		}
		return func() { connection.Close() }, func(next, before Login, revokes bool) error {
			rule := ">" + next.Password
			if revokes {
				rule = "<" + before.Password
			}
			if _, err := connection.ask("ACL", "SETUSER", next.User, rule); err != nil {
				return err
			}
			_, err := connection.ask("ACL", "SAVE")
			return err
		}, err
	}
	connection, err := dialPostgres(service.Port, admin)
	if err != nil {
		return nil, nil, err
	}
	return func() { connection.Close(context.Background()) }, func(next, before Login, revokes bool) error {
		change := fmt.Sprintf("ALTER ROLE %s PASSWORD '%s'", pgx.Identifier{next.User}.Sanitize(), verifier(next.Password))
		if revokes {
			change = fmt.Sprintf("ALTER ROLE %s PASSWORD NULL", pgx.Identifier{before.User}.Sanitize())
		}
		_, err := connection.Exec(context.Background(), change)
		return err
	}, nil
}

func dialPostgres(port int, login Login) (*pgx.Conn, error) {
	config, err := pgx.ParseConfig(fmt.Sprintf("host=127.0.0.1 port=%d dbname=postgres sslmode=disable", port))
	if err != nil {
		return nil, err
	}
	config.User, config.Password = login.User, login.Password
	config.DefaultQueryExecMode = pgx.QueryExecModeSimpleProtocol
	return pgx.ConnectConfig(context.Background(), config)
}

// verifier: what ALTER ROLE carries, so that the server never sees the password (RFC 5802, RFC 7677).
func verifier(password string) string {
	const rounds = 4096
	salt := make([]byte, 16)
	rand.Read(salt)
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		fail(err)
	}
	stored := sha256.Sum256(sign(salted, "Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, text(salt), text(stored[:]), text(sign(salted, "Server Key")))
}

func sign(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

type redis struct {
	net.Conn
	reader *bufio.Reader
}

// dialRedis: false where the login was refused.
func dialRedis(port int, login Login) (*redis, bool, error) {
	connection, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, false, err
	}
	client := &redis{connection, bufio.NewReader(connection)}
	refused, err := client.ask("AUTH", login.User, login.Password)
	if refused && err != nil {
		return client, false, nil
	}
	return client, err == nil, err
}

// ask sends one command; true where the server itself said no.
func (client *redis) ask(words ...string) (bool, error) {
	var request strings.Builder
	fmt.Fprintf(&request, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&request, "$%d\r\n%s\r\n", len(word), word)
	}
	if _, err := client.Write([]byte(request.String())); err != nil {
		return false, err
	}
	answer, err := client.reader.ReadString('\n')
	if err != nil {
		return false, err
	}
	if answer != "+OK\r\n" {
		return true, errors.New("redis refused " + words[0])
	}
	return false, nil
}
