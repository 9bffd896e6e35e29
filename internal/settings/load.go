package settings

import (
	"errors"
	"fmt"
	"math"
	"reflect"
	"slices"
	"strings"

	"github.com/go-viper/mapstructure/v2"
	"go.yaml.in/yaml/v3"

	"github.com/genericcorp/platform/internal/budget"
)

// Key is the configuration key in a stack file that holds the settings.
const Key = "platform:settings"

// Load reads the settings from YAML or JSON, sets defaults and checks all rules. An unknown
// key is a fault. The error is Faults, with all faults that were found.
func Load(data []byte) (Settings, error) {
	var raw any
	if err := yaml.Unmarshal(data, &raw); err != nil {
		return Settings{}, Faults{{Path: "settings", Problem: fmt.Sprintf("is not YAML: %v", err)}}
	}
	return fromRaw(raw)
}

// LoadStackFile is like LoadConfig, for the text of a whole Pulumi.<stack>.yaml.
func LoadStackFile(data []byte) (Settings, error) {
	var file struct {
		Config map[string]any `yaml:"config"`
	}
	if err := yaml.Unmarshal(data, &file); err != nil {
		return Settings{}, Faults{{Path: "config", Problem: fmt.Sprintf("the stack file cannot be read: %v", err)}}
	}
	return LoadConfig(func(key string) (string, bool) {
		value, ok := file.Config[key]
		if !ok {
			return "", false
		}
		if text, is := value.(string); is {
			return text, true
		}
		text, err := yaml.Marshal(value)
		return string(text), err == nil
	})
}

func fromRaw(raw any) (Settings, error) {
	var faults Faults
	stringKeys(raw, nil, &faults)
	if _, ok := raw.(map[string]any); !ok && len(faults) == 0 {
		faults = append(faults, Fault{Path: "settings", Problem: "has to be a map with at least domain, zone and email"})
	}
	if len(faults) > 0 {
		return Settings{}, faults.orNil()
	}
	s := decode(raw, &faults)
	if len(faults) > 0 {
		// The checks would report a key that could not be read a second time, as missing.
		return Settings{}, faults.orNil()
	}
	s = s.withDefaults()
	s.validate(&faults)
	return s, faults.orNil()
}

// stringKeys adds a fault for each key that is not a string, because the decoder expects
// strings. It also refuses the key "-", which the decoder would read into the fields that are
// not in a stack file.
func stringKeys(value any, path []string, faults *Faults) {
	switch v := value.(type) {
	case map[any]any:
		for key := range v {
			if _, ok := key.(string); !ok {
				faults.add(strings.Join(append(path, fmt.Sprint(key)), "."), "a key has to be a string; write it in quotes")
			}
		}
	case map[string]any:
		for key, child := range v {
			if key == "-" {
				faults.add(strings.ReplaceAll(strings.Join(append(path, key), "."), ".[", "["), "is no setting")
			}
			stringKeys(child, append(slices.Clone(path), key), faults)
		}
	case []any:
		for i, child := range v {
			stringKeys(child, append(slices.Clone(path), fmt.Sprintf("[%d]", i)), faults)
		}
	}
}

func decode(raw any, faults *Faults) Settings {
	var s Settings
	var meta mapstructure.Metadata
	decoder, err := mapstructure.NewDecoder(&mapstructure.DecoderConfig{
		Result:     &s,
		Metadata:   &meta,
		TagName:    "yaml",
		MatchName:  func(key, field string) bool { return key == field },
		DecodeHook: mapstructure.DecodeHookFuncValue(exactNumbers),
	})
	if err != nil {
		faults.add("", "%v", err)
		return s
	}
	collect(decoder.Decode(raw), faults)
	for _, key := range meta.Unused {
		faults.add(key, "is no setting%s", suggestion(key))
	}
	refuseZero(s, meta.Keys, faults)
	return s
}

// refuseZero adds a fault for each explicit 0 that would otherwise mean the default, for
// example 80 dollars or 100 users.
func refuseZero(s Settings, written []string, faults *Faults) {
	for path, zero := range map[string]bool{
		"budget.monthlyUsd":          s.Budget.MonthlyUSD == 0,
		"capacity.concurrentUsers":   s.Capacity.ConcurrentUsers == 0,
		"database.connections":       s.Database.Connections == 0,
		"monitoring.retentionDays":   s.Monitoring.RetentionDays == 0,
		"monitoring.volumeGiB":       s.Monitoring.VolumeGiB == 0,
		"app.port":                   s.App.Port == 0,
		"alerts.availabilityPercent": s.Alerts.AvailabilityPercent == 0,
		"alerts.latencyMs":           s.Alerts.LatencyMs == 0,
		"app.databasePool":           s.App.DatabasePool == 0,
	} {
		if zero && slices.Contains(written, path) {
			faults.add(path, "0 has no meaning here; leave the line out for the default")
		}
	}
}

// exactNumbers converts dollars to cents. It refuses a fraction for a whole number, which the
// decoder would round.
func exactNumbers(from, to reflect.Value) (any, error) {
	if to.Type() == reflect.TypeFor[budget.Cents]() {
		return cents(from)
	}
	if to.Kind() == reflect.Int && from.CanFloat() && from.Float() != math.Trunc(from.Float()) {
		return nil, fmt.Errorf("%v is not a whole number", from)
	}
	if to.Kind() == reflect.Float64 && !from.CanFloat() && !from.CanInt() {
		return nil, errors.New("has to be a number, such as 99.5")
	}
	return from.Interface(), nil
}

func cents(from reflect.Value) (any, error) {
	var usd float64
	switch {
	case from.CanInt():
		usd = float64(from.Int())
	case from.CanFloat():
		usd = from.Float()
	default:
		return nil, errors.New("has to be an amount in dollars, such as 80 or 79.50")
	}
	amount, ok := budget.FromUSD(usd)
	if !ok {
		return nil, fmt.Errorf("%v is not a whole number of cents", from)
	}
	return int64(amount), nil
}

// collect adds one fault for each path of the decoder's tree of errors.
func collect(err error, faults *Faults) {
	var many interface{ Unwrap() []error }
	var one *mapstructure.DecodeError
	switch {
	case err == nil:
	case errors.As(err, &one):
		if errors.As(one.Unwrap(), &many) {
			collect(one.Unwrap(), faults)
			return
		}
		if inner := (*mapstructure.DecodeError)(nil); errors.As(one.Unwrap(), &inner) {
			collect(one.Unwrap(), faults)
			return
		}
		faults.add(one.Name(), "%v", one.Unwrap())
	case errors.As(err, &many):
		for _, child := range many.Unwrap() {
			collect(child, faults)
		}
	default:
		faults.add("", "%v", err)
	}
}
