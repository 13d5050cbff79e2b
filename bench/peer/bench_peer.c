// SPDX-License-Identifier: GPL-2.0
/*
 * The usual way to keep a history of CPU times in the kernel, for comparison.
 *
 * A thread samples the watched threads once in each period. Each sample is an object of a slab
 * cache, with list links and a reference count. It is allocated from a mempool and appended to the
 * list of all samples. A mutex protects the list. A seq_file shows one line for each sample. Each
 * read() begins at the front of the list and walks to the position of the file, as
 * seq_list_start() does.
 *
 * What it leaves out would only add to the cost: a shrinker, limits, exit samples, and sums over
 * the threads of a process.
 *
 * Files in /sys/kernel/debug/bench_peer:
 *   samples  the samples; a thread ID that is written to it is watched from then on
 *   stats    `name value` lines, with the names that taskmonitor uses
 *
 * The parameter `stopped` pauses sampling.
 */
#include <linux/debugfs.h>
#include <linux/hrtimer.h>
#include <linux/kref.h>
#include <linux/kthread.h>
#include <linux/ktime.h>
#include <linux/list.h>
#include <linux/mempool.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/pid.h>
#include <linux/sched/cputime.h>
#include <linux/sched/task.h>
#include <linux/seq_file.h>
#include <linux/slab.h>

#define RESERVE 32

/* A watched thread. */
struct target {
	struct list_head link;
	struct pid *pid;
	/* The thread ID in the initial PID namespace. */
	pid_t number;
	/* The number of samples taken. */
	u32 samples;
};

/* All times are in nanoseconds. */
struct sample {
	struct list_head link;
	struct kref references;
	pid_t pid;
	u32 number;
	u64 user;
	u64 system;
	u64 wait;
	u64 time;
};

static unsigned int period_ms = 100;
module_param(period_ms, uint, 0444);
MODULE_PARM_DESC(period_ms, "time between two samples of a thread, in milliseconds");

static bool stopped;
module_param(stopped, bool, 0644);
MODULE_PARM_DESC(stopped, "take no samples");

/* Protects everything below. */
static DEFINE_MUTEX(lock);
static LIST_HEAD(targets);
static LIST_HEAD(samples);
static u64 target_count, sample_count, passes, pass_ns, last_pass_us;

static struct kmem_cache *cache;
static mempool_t *pool;
static struct dentry *directory;
static struct task_struct *sampler;

static void free_sample(struct kref *references)
{
	mempool_free(container_of(references, struct sample, references), pool);
}

static void take_sample(struct target *target, u64 now)
{
	struct task_struct *task = get_pid_task(target->pid, PIDTYPE_PID);
	struct sample *sample;

	if (!task)
		return;
	sample = mempool_alloc(pool, GFP_KERNEL);
	kref_init(&sample->references);
	sample->pid = target->number;
	sample->number = target->samples++;
	task_cputime_adjusted(task, &sample->user, &sample->system);
	sample->wait = READ_ONCE(task->sched_info.run_delay);
	sample->time = now;
	list_add_tail(&sample->link, &samples);
	sample_count++;
	put_task_struct(task);
}

static void sample_all(void)
{
	u64 begin = ktime_get_ns(), now = ktime_get_boottime_ns();
	struct target *target;

	mutex_lock(&lock);
	list_for_each_entry(target, &targets, link)
		take_sample(target, now);
	last_pass_us = div_u64(now, NSEC_PER_USEC);
	pass_ns += ktime_get_ns() - begin;
	passes++;
	mutex_unlock(&lock);
}

static int sampler_thread(void *unused)
{
	ktime_t next = ktime_get();

	for (;;) {
		next = ktime_add_ms(next, period_ms);
		set_current_state(TASK_INTERRUPTIBLE);
		if (kthread_should_stop())
			break;
		schedule_hrtimeout(&next, HRTIMER_MODE_ABS);
		if (!READ_ONCE(stopped) && !kthread_should_stop())
			sample_all();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static int watch(pid_t number)
{
	struct target *target = kzalloc_obj(*target);

	if (!target)
		return -ENOMEM;
	target->number = number;
	target->pid = find_get_pid(number);
	if (!target->pid) {
		kfree(target);
		return -ESRCH;
	}
	mutex_lock(&lock);
	/* The periods begin with the first target. */
	if (!target_count++)
		wake_up_process(sampler);
	list_add_tail(&target->link, &targets);
	mutex_unlock(&lock);
	return 0;
}

static void *samples_start(struct seq_file *file, loff_t *position)
{
	mutex_lock(&lock);
	return seq_list_start(&samples, *position);
}

static void *samples_next(struct seq_file *file, void *current_link, loff_t *position)
{
	return seq_list_next(current_link, &samples, position);
}

static void samples_stop(struct seq_file *file, void *current_link)
{
	mutex_unlock(&lock);
}

static int samples_show(struct seq_file *file, void *current_link)
{
	struct sample *sample = list_entry(current_link, struct sample, link);

	seq_printf(file, "pid:%d num:%u : usr %llu sys %llu wait %llu time %llu\n",
		   sample->pid, sample->number, div_u64(sample->user, NSEC_PER_USEC),
		   div_u64(sample->system, NSEC_PER_USEC), div_u64(sample->wait, NSEC_PER_USEC),
		   div_u64(sample->time, NSEC_PER_USEC));
	return 0;
}

static const struct seq_operations samples_operations = {
	.start = samples_start,
	.next = samples_next,
	.stop = samples_stop,
	.show = samples_show,
};

static int samples_open(struct inode *inode, struct file *file)
{
	return seq_open(file, &samples_operations);
}

static ssize_t samples_write(struct file *file, const char __user *text, size_t size,
			     loff_t *position)
{
	pid_t number;
	int error = kstrtoint_from_user(text, size, 10, &number);

	if (!error)
		error = watch(number);
	return error ?: size;
}

static const struct file_operations samples_file = {
	.owner = THIS_MODULE,
	.open = samples_open,
	.read = seq_read,
	.write = samples_write,
	.llseek = seq_lseek,
	.release = seq_release,
};

static int stats_show(struct seq_file *file, void *unused)
{
	mutex_lock(&lock);
	seq_printf(file, "targets %llu\n", target_count);
	seq_printf(file, "created %llu\n", sample_count);
	/* None is ever evicted. */
	seq_printf(file, "alive %llu\n", sample_count);
	seq_printf(file, "passes %llu\n", passes);
	seq_printf(file, "pass_ns %llu\n", pass_ns);
	seq_printf(file, "last_pass_us %llu\n", last_pass_us);
	mutex_unlock(&lock);
	return 0;
}
DEFINE_SHOW_ATTRIBUTE(stats);

/* Also after a failed load. */
static void free_all(void)
{
	struct sample *sample, *next_sample;
	struct target *target, *next_target;

	debugfs_remove(directory);
	if (!IS_ERR_OR_NULL(sampler))
		kthread_stop(sampler);
	list_for_each_entry_safe(sample, next_sample, &samples, link)
		kref_put(&sample->references, free_sample);
	list_for_each_entry_safe(target, next_target, &targets, link) {
		put_pid(target->pid);
		kfree(target);
	}
	mempool_destroy(pool);
	kmem_cache_destroy(cache);
}

static int __init peer_init(void)
{
	cache = kmem_cache_create("bench_peer_sample", sizeof(struct sample), 0, 0, NULL);
	if (!cache)
		return -ENOMEM;
	pool = mempool_create_slab_pool(RESERVE, cache);
	sampler = pool ? kthread_create(sampler_thread, NULL, "bench_peer") : NULL;
	if (IS_ERR_OR_NULL(sampler)) {
		free_all();
		return -ENOMEM;
	}
	directory = debugfs_create_dir("bench_peer", NULL);
	debugfs_create_file("samples", 0600, directory, NULL, &samples_file);
	debugfs_create_file("stats", 0400, directory, NULL, &stats_fops);
	return 0;
}
module_init(peer_init);

static void __exit peer_exit(void)
{
	free_all();
}
module_exit(peer_exit);

MODULE_DESCRIPTION("History of CPU times, kept in the usual way, for taskmonitor's benchmark");
MODULE_LICENSE("GPL");
