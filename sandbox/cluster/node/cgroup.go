package node

import (
	"errors"
	"os"

	"github.com/opencontainers/cgroups"
	"github.com/opencontainers/cgroups/manager"
)

// system is the control group of the node's own programs, below the node's.
const system = "/system"

// limit creates the node's control group with its memory and CPU as limits.
func limit(c Config) error {
	const period = 100_000 // microseconds, the kernel's default
	memory := int64(c.MiB) << 20
	group, err := manager.New(&cgroups.Cgroup{Path: c.CGroup, Resources: &cgroups.Resources{
		SkipDevices: true, Memory: memory, MemorySwap: memory, CpuPeriod: period, CpuQuota: int64(c.MilliCPU) * period / 1000,
	}})
	if err != nil {
		return err
	}
	// -1 creates the group without a process.
	return errors.Join(group.Apply(-1), group.Set(&cgroups.Resources{
		SkipDevices: true, Memory: memory, MemorySwap: memory, CpuPeriod: period, CpuQuota: int64(c.MilliCPU) * period / 1000,
	}))
}

// enter moves this process to the group of the node's own programs.
func enter(c Config) error {
	group, err := manager.New(&cgroups.Cgroup{Path: c.CGroup + system, Resources: &cgroups.Resources{SkipDevices: true}})
	if err != nil {
		return err
	}
	return group.Apply(os.Getpid())
}
