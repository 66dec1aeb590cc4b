package orm

import "errors"

func (e *Env) seal(plain string) (any, error) {
	if plain == "" {
		return nil, nil
	}
	if e.u.db.Keys == nil {
		return nil, UserErrorf("Secrets cannot be stored: no encryption key is configured.")
	}
	return e.u.db.Keys.Seal(plain)
}

// openSecrets decrypts a column in place; on the dynamic face Wire masks it.
func (e *Env) openSecrets(col []any) error {
	for i, v := range col {
		s, ok := v.(string)
		if !ok || s == "" {
			continue
		}
		if e.u.db.Keys == nil {
			return errors.New("secrets are stored but no encryption key is configured")
		}
		plain, err := e.u.db.Keys.Open(s)
		if err != nil {
			return err
		}
		col[i] = plain
	}
	return nil
}
